// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.Uart16550.*;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.IrqLine;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

@Timeout(60)
class SerialPortConcurrencyTest {

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void lineEndsAtTheLevelThatTheRegistersAskFor(long seed) throws InterruptedException {
        RecordingLine line = new RecordingLine();
        SerialPort port = new SerialPort(line, b -> {});
        port.writeByte(FCR, 1);
        for (int round = 0; round < 200; round++) {
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 3; t++) {
                Random random = new Random(seed * 1_000_003 + round * 31L + t);
                threads.add(Thread.ofPlatform().start(() -> disturb(port, random)));
            }
            for (Thread thread : threads) {
                thread.join();
            }
            Uart16550 settled = new Uart16550();
            settled.restore(port.state());
            assertThat(line.high()).isEqualTo(settled.interruptRequested());
        }
    }

    private static void disturb(SerialPort port, Random random) {
        byte[] input = {1, 2, 3};
        for (int i = 0; i < 100; i++) {
            switch (random.nextInt(6)) {
                case 0 -> port.receive(input, 0, random.nextInt(4));
                case 1 -> port.readByte(RBR);
                case 2 -> port.readByte(IIR);
                case 3 -> port.writeByte(IER, random.nextInt(16));
                case 4 -> port.writeByte(THR, 'x');
                default -> port.sendBreak();
            }
        }
    }

    @Test
    void sinkHasOneCallerAtATime() throws InterruptedException {
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger collisions = new AtomicInteger();
        AtomicInteger bytes = new AtomicInteger();
        SerialPort port =
                new SerialPort(
                        IrqLine.unconnected(),
                        b -> {
                            if (inside.incrementAndGet() != 1) {
                                collisions.incrementAndGet();
                            }
                            Thread.onSpinWait();
                            bytes.incrementAndGet();
                            inside.decrementAndGet();
                        });
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < 5_000; i++) {
                                    port.writeByte(THR, i);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(collisions).hasValue(0);
        assertThat(bytes).hasValue(20_000);
    }

    @Test
    void inputIsNeitherLostNorReordered() throws InterruptedException {
        SerialPort port = new SerialPort(IrqLine.unconnected(), b -> {});
        port.writeByte(FCR, 1);
        byte[] input = new byte[50_000];
        new Random(7).nextBytes(input);
        AtomicReference<Thread> sender = new AtomicReference<>();
        port.setReceiveReadyListener(() -> LockSupport.unpark(sender.get()));
        Thread host =
                Thread.ofPlatform()
                        .unstarted(() -> {
                            int next = 0;
                            while (next < input.length) {
                                int taken = port.receive(input, next, input.length - next);
                                next += taken;
                                if (next < input.length) {
                                    LockSupport.park();
                                }
                            }
                        });
        sender.set(host);
        host.start();
        byte[] output = new byte[input.length];
        for (int i = 0; i < output.length; i++) {
            while ((port.readByte(LSR) & LSR_DR) == 0) {
                Thread.onSpinWait();
            }
            output[i] = (byte) port.readByte(RBR);
        }
        host.join();

        assertThat(output).isEqualTo(input);
    }

    @Test
    void slowSinkDoesNotHoldUpInputOrStatus() throws InterruptedException {
        Object gate = new Object();
        AtomicInteger entered = new AtomicInteger();
        SerialPort port =
                new SerialPort(
                        IrqLine.unconnected(),
                        b -> {
                            entered.incrementAndGet();
                            synchronized (gate) {
                                entered.incrementAndGet();
                            }
                        });
        Thread writer;
        synchronized (gate) {
            writer = Thread.ofPlatform().start(() -> port.writeByte(THR, 'x'));
            while (entered.get() == 0) {
                Thread.onSpinWait();
            }
            assertThat(port.receive(new byte[] {'y'}, 0, 1)).isEqualTo(1);
            assertThat(port.readByte(LSR) & LSR_DR).isEqualTo(LSR_DR);
            assertThat(entered).hasValue(1);
        }
        writer.join();
        assertThat(entered).hasValue(2);
    }
}
