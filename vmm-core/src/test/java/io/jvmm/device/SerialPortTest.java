// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.Uart16550.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.bus.AllocationMeter;
import io.jvmm.bus.Bus;
import io.jvmm.bus.IrqLine;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class SerialPortTest {

    private final RecordingLine line = new RecordingLine();
    private final RecordingSink sink = new RecordingSink();
    private final SerialPort port = new SerialPort(line, sink);

    private int receive(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return port.receive(bytes, 0, bytes.length);
    }

    private String readAll() {
        StringBuilder text = new StringBuilder();
        while ((port.readByte(LSR) & LSR_DR) != 0) {
            text.append((char) port.readByte(RBR));
        }
        return text.toString();
    }

    @Test
    void outputReachesTheSinkInOrder() {
        for (char c : "hello".toCharArray()) {
            port.writeByte(THR, c);
        }

        assertThat(sink.text()).isEqualTo("hello");
    }

    @Test
    void divisorLatchDoesNotReachTheSink() {
        port.writeByte(LCR, LCR_DLAB);
        port.writeByte(DLL, 'x');

        assertThat(sink.text()).isEmpty();
    }

    @Test
    void loopbackDoesNotReachTheSink() {
        port.writeByte(MCR, MCR_LOOP);
        port.writeByte(THR, 'x');

        assertThat(sink.text()).isEmpty();
    }

    @Test
    void flushIsPassedOn() {
        port.flush();

        assertThat(sink.flushes()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"8, 1, 0xff", "6, 2, 0x00b0", "4, 4, 0x00b06000", "0, 8, 0x00b0600000010000"})
    void wideReadsAreSplit(long offset, int size, String expected) {
        assertThat(port.read(offset, size)).isEqualTo(Long.decode(expected));
    }

    @Test
    void offsetsThatDoNotFitAnIntAreNobodys() {
        assertThat(port.readByte(1L << 32)).isEqualTo(0xFF);
        assertThat(port.readByte(-1)).isEqualTo(0xFF);
        port.writeByte(1L << 32, 'x');

        assertThat(sink.text()).isEmpty();
    }

    @Test
    void lineFollowsTheRegisters() {
        port.writeByte(IER, IER_RDA);
        assertThat(line.high()).isFalse();

        receive("ab");
        assertThat(line.high()).isTrue();
        port.readByte(RBR);
        port.readByte(IIR);
        port.readByte(RBR);

        assertThat(line.high()).isFalse();
        assertThat(line.edges()).isEqualTo(1);
    }

    @Test
    void lineIsDrivenOnlyWhenItsLevelChanges() {
        port.writeByte(IER, IER_RDA);
        receive("abc");
        for (int i = 0; i < 100; i++) {
            port.readByte(LSR);
            port.readByte(IIR);
        }

        assertThat(line.calls()).isEqualTo(1);
    }

    @Test
    void everySentCharacterGivesAnEdgeOnceAcknowledged() {
        port.writeByte(IER, IER_THRE);
        for (int i = 1; i <= 10; i++) {
            assertThat(line.edges()).isEqualTo(i);
            port.readByte(IIR);
            assertThat(line.high()).isFalse();
            port.writeByte(THR, 'x');
        }
    }

    @Test
    void byteIsOutBeforeItsInterrupt() {
        List<String> order = new ArrayList<>();
        SerialPort observed =
                new SerialPort(
                        new IrqLine() {
                            @Override
                            public void raise() {
                                order.add("raise");
                            }

                            @Override
                            public void lower() {
                                order.add("lower");
                            }
                        },
                        b -> order.add("byte"));
        observed.writeByte(IER, IER_THRE);
        observed.readByte(IIR);

        observed.writeByte(THR, 'x');

        assertThat(order).containsExactly("raise", "lower", "byte", "raise");
    }

    @Test
    void listenerHearsOnceThatThereIsRoom() {
        AtomicInteger calls = new AtomicInteger();
        port.setReceiveReadyListener(calls::incrementAndGet);
        port.writeByte(FCR, 1);
        assertThat(receive("0123456789abcdefgh")).isEqualTo(16);

        readAll();

        assertThat(calls).hasValue(1);
    }

    @Test
    void listenerIsNotBotheredWhenAllWasTaken() {
        AtomicInteger calls = new AtomicInteger();
        port.setReceiveReadyListener(calls::incrementAndGet);
        port.writeByte(FCR, 1);
        assertThat(receive("0123456789abcdef")).isEqualTo(16);

        readAll();

        assertThat(calls).hasValue(0);
    }

    @ParameterizedTest
    @CsvSource({"2, 3", "2, 0", "4, 0"})
    void listenerHearsAlsoWhenTheRoomComesFromAControlWrite(int offset, int value) {
        port.writeByte(FCR, 1);
        port.writeByte(MCR, offset == MCR ? MCR_LOOP : 0);
        AtomicInteger calls = new AtomicInteger();
        port.setReceiveReadyListener(calls::incrementAndGet);
        receive("0123456789abcdefgh");

        port.writeByte(offset, value);

        assertThat(calls).hasValue(1);
    }

    @Test
    void listenerHearsOfARestore() {
        AtomicInteger calls = new AtomicInteger();
        port.setReceiveReadyListener(calls::incrementAndGet);
        receive("ab");

        port.reset();

        assertThat(calls).hasValue(1);
    }

    @Test
    void listenerMayReceiveAtOnce() {
        String input = "the quick brown fox jumps over the lazy dog";
        byte[] bytes = input.getBytes(StandardCharsets.ISO_8859_1);
        AtomicInteger next = new AtomicInteger();
        Runnable pump =
                () -> next.addAndGet(port.receive(bytes, next.get(), bytes.length - next.get()));
        port.setReceiveReadyListener(pump);
        port.writeByte(FCR, 1);

        pump.run();

        assertThat(readAll()).isEqualTo(input);
    }

    @Test
    void receiveChecksItsRange() {
        assertThatThrownBy(() -> port.receive(new byte[4], 2, 3))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void breakReachesTheGuest() {
        port.writeByte(IER, IER_RLS);

        port.sendBreak();

        assertThat(line.high()).isTrue();
        assertThat(port.readByte(LSR) & LSR_BI).isEqualTo(LSR_BI);
        assertThat(line.high()).isFalse();
    }

    @Test
    void lostConnectionIsSeen() {
        port.writeByte(IER, IER_MS);

        port.setConnected(false);
        assertThat(line.high()).isTrue();
        assertThat(port.readByte(MSR)).isEqualTo(MSR_DCTS | MSR_DDSR | MSR_DDCD);

        port.setConnected(true);
        assertThat(port.readByte(MSR) & MSR_LINES).isEqualTo(MSR_CTS | MSR_DSR | MSR_DCD);
    }

    @Test
    void restoreDrivesTheLineWithAnEdge() {
        port.writeByte(IER, IER_RDA);
        receive("a");
        RecordingLine otherLine = new RecordingLine();
        SerialPort other = new SerialPort(otherLine, sink);

        other.restore(port.state());

        assertThat(otherLine.high()).isTrue();
        assertThat(other.state()).isEqualTo(port.state());
        other.restore(port.state());
        assertThat(otherLine.edges()).isEqualTo(2);
    }

    @Test
    void portSavedBetweenWriteAndInterruptIsNotStuck() {
        port.writeByte(IER, IER_THRE);
        port.readByte(IIR);
        port.writeByte(THR, 'x');
        RecordingLine otherLine = new RecordingLine();
        SerialPort other = new SerialPort(otherLine, sink);

        other.restore(port.state());

        assertThat(otherLine.edges()).isEqualTo(1);
        assertThat(other.readByte(IIR)).isEqualTo(IIR_THRE);
        assertThat(otherLine.high()).isFalse();
        other.writeByte(THR, 'y');
        assertThat(otherLine.edges()).isEqualTo(2);
    }

    @Test
    void resetLowersTheLine() {
        port.writeByte(IER, IER_RDA);
        receive("a");

        port.reset();

        assertThat(line.high()).isFalse();
        assertThat(port.state()).isEqualTo(UartState.POWER_ON);
    }

    @Test
    void accessesAllocateNothing() {
        SerialPort silent = new SerialPort(new RecordingLine(), b -> {});
        Bus bus = new Bus();
        bus.attach(0x3F8, 8, silent, "COM1");
        bus.write(0x3F9, 1, IER_THRE);

        long bytes =
                AllocationMeter.bytesAllocatedBy(
                        () -> {
                            bus.read(0x3FD, 1);
                            bus.write(0x3F8, 1, 'x');
                            bus.read(0x3FA, 1);
                        },
                        20_000);

        assertThat(bytes).isZero();
    }
}
