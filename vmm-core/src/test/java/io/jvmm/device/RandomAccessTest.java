// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.bus.IoDevice;
import io.jvmm.state.Saved;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Random sequences of accesses against each device: nothing throws, what holds always does hold,
 * and a device that is saved and restored in the middle goes on as if nothing had happened.
 */
class RandomAccessTest {

    private static final int STEPS = 3_000;
    static final long[] SEEDS = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89};

    /** A device under test with all that it needs, in two copies that must stay equal. */
    private interface Subject {
        IoDevice device();

        Saved save();

        void restore(Saved saved);

        /** Something that happens from outside. */
        default long event(int kind, int argument) {
            return 0;
        }

        default void check() {}
    }

    private static void run(long seed, int length, Subject original, Subject copy) {
        Random random = new Random(seed);
        boolean copied = false;
        for (int step = 0; step < STEPS; step++) {
            if (random.nextInt(100) == 0) {
                copy.restore(original.save());
                copied = true;
            }
            int size = 1 << random.nextInt(random.nextInt(4) + 1);
            long offset = random.nextInt(length);
            long value = random.nextLong() >>> (64 - 8 * size);
            int choice = random.nextInt(20);
            int argument = random.nextInt();
            long result = step(original, choice, offset, size, value, argument);
            if (copied) {
                long repeated = step(copy, choice, offset, size, value, argument);
                assertThat(repeated).as("seed %d, step %d", seed, step).isEqualTo(result);
                assertThat(copy.save()).isEqualTo(original.save());
            }
            original.check();
        }
    }

    private static long step(
            Subject subject, int choice, long offset, int size, long value, int argument) {
        if (choice < 8) {
            return subject.device().read(offset, size);
        }
        if (choice < 16) {
            subject.device().write(offset, size, value);
            return 0;
        }
        return subject.event(choice - 16, argument);
    }

    private static final class Serial implements Subject {
        private final RecordingLine line = new RecordingLine();
        private final AtomicLong sent = new AtomicLong();
        private final SerialPort port = new SerialPort(line, b -> sent.set(sent.get() * 31 + b));

        @Override
        public IoDevice device() {
            return port;
        }

        @Override
        public Saved save() {
            return Saved.of(UartState.CODEC, 0, port.state());
        }

        @Override
        public void restore(Saved saved) {
            port.restore(saved.decode(UartState.CODEC));
        }

        @Override
        public long event(int kind, int argument) {
            switch (kind) {
                case 0 -> port.sendBreak();
                case 1 -> port.setConnected((argument & 1) != 0);
                default -> {
                    byte[] bytes = new byte[argument & 0x1F];
                    new Random(argument).nextBytes(bytes);
                    int taken = port.receive(bytes, 0, bytes.length);
                    assertThat(taken).isBetween(0, Math.min(bytes.length, 16));
                    return taken;
                }
            }
            return 0;
        }

        @Override
        public void check() {
            Uart16550 probe = new Uart16550();
            probe.restore(port.state());
            boolean requested = probe.interruptRequested();
            assertThat(line.high()).isEqualTo(requested);
            int identity = probe.read(Uart16550.IIR);
            assertThat((identity & Uart16550.IIR_NONE) == 0).isEqualTo(requested);
            assertThat(identity & 0x30).isZero();
            boolean waiting = !port.state().received().isEmpty();
            int status = probe.read(Uart16550.LSR);
            assertThat(status & 0x60).isEqualTo(0x60);
            assertThat((status & Uart16550.LSR_DR) != 0).isEqualTo(waiting);
            assertThat(probe.room()).isBetween(0, 16);
        }
    }

    private static final class Controller implements Subject {
        private final I8042 controller = new I8042(() -> {});

        @Override
        public IoDevice device() {
            return controller;
        }

        @Override
        public Saved save() {
            return Saved.of(I8042State.CODEC, 0, controller.state());
        }

        @Override
        public void restore(Saved saved) {
            controller.restore(saved.decode(I8042State.CODEC));
        }

        @Override
        public void check() {
            assertThat(controller.readByte(I8042.STATUS) & 0x03).isEqualTo(0x01);
        }
    }

    private static final class Power implements Subject {
        private final RecordingLine line = new RecordingLine();
        private final AtomicLong nanos = new AtomicLong();
        private final AcpiPm pm = new AcpiPm(line, () -> {}, nanos::get);

        @Override
        public IoDevice device() {
            return pm;
        }

        @Override
        public Saved save() {
            return Saved.of(AcpiPmState.CODEC, 0, pm.state());
        }

        @Override
        public void restore(Saved saved) {
            pm.restore(saved.decode(AcpiPmState.CODEC));
        }

        @Override
        public long event(int kind, int argument) {
            if (kind != 0) {
                // Whole seconds: a restored timer has lost the fraction of a tick.
                nanos.addAndGet((argument & 0xFFL) * 1_000_000_000L);
                return 0;
            }
            return pm.pressPowerButton() ? 1 : 0;
        }

        @Override
        public void check() {
            AcpiPmState state = pm.state();
            assertThat(line.high()).isEqualTo((state.status() & state.enable()) != 0);
            assertThat(pm.read(AcpiPm.CONTROL, 2) & 0x2001).isEqualTo(0x0001);
        }
    }

    private static final class Clock implements Subject {
        private final AdjustableClock host = new AdjustableClock("2026-11-20T17:58:09Z");
        private final CmosRtc rtc = new CmosRtc(host, 64 << 20, 0);

        @Override
        public IoDevice device() {
            return rtc;
        }

        @Override
        public Saved save() {
            return Saved.of(CmosRtcState.CODEC, 0, rtc.state());
        }

        @Override
        public void restore(Saved saved) {
            rtc.restore(saved.decode(CmosRtcState.CODEC));
        }

        @Override
        public long event(int kind, int argument) {
            rtc.writeByte(CmosRtc.INDEX, argument & 0x0F); // where something happens
            return 0;
        }
    }

    private static final class Reset implements Subject {
        private final ResetPort port = new ResetPort(() -> {});

        @Override
        public IoDevice device() {
            return port;
        }

        @Override
        public Saved save() {
            return Saved.of(ResetPortState.CODEC, 0, port.state());
        }

        @Override
        public void restore(Saved saved) {
            port.restore(saved.decode(ResetPortState.CODEC));
        }
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void serialPort(long seed) {
        run(seed, 9, new Serial(), new Serial());
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void keyboardController(long seed) {
        run(seed, 6, new Controller(), new Controller());
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void acpiPowerManagement(long seed) {
        run(seed, 14, new Power(), new Power());
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void cmosClock(long seed) {
        run(seed, 3, new Clock(), new Clock());
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void resetPort(long seed) {
        run(seed, 2, new Reset(), new Reset());
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void statelessPorts(long seed) {
        Random random = new Random(seed);
        IoDevice[] devices = {
            new PvPanic(event -> {}), new GuestTestPort(value -> {}), new PostCode()
        };
        for (int step = 0; step < STEPS; step++) {
            IoDevice device = devices[random.nextInt(devices.length)];
            int size = 1 << random.nextInt(4);
            device.write(random.nextInt(4), size, random.nextLong() >>> (64 - 8 * size));
            long value = device.read(random.nextInt(4), size);
            assertThat(value & ~IoDevice.allOnes(size)).isZero();
        }
    }

    @ParameterizedTest
    @FieldSource("SEEDS")
    void clockOfAHostThatJumps(long seed) {
        Random random = new Random(seed);
        AdjustableClock host = new AdjustableClock("2026-11-20T17:58:09Z");
        CmosRtc rtc = new CmosRtc(host);
        for (int step = 0; step < STEPS; step++) {
            host.advance(Duration.ofMillis(random.nextInt(4_000_000) - 1_000_000));
            rtc.writeByte(CmosRtc.INDEX, random.nextInt(16));
            if (random.nextBoolean()) {
                rtc.writeByte(CmosRtc.DATA, random.nextInt(256));
            }
            assertThat(rtc.readByte(CmosRtc.DATA)).isBetween(0, 255);
        }
    }
}
