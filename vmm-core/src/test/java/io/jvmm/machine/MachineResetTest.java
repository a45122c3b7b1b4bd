// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.boot.BootException;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A machine boots again in the same process, with nothing left of before. */
@RequiresKvm
@Timeout(240)
class MachineResetTest {

    private static final Duration LONG = Duration.ofSeconds(60);

    private final List<String> resets = new CopyOnWriteArrayList<>();

    private Machine create(MachineConfig config, CountDownLatch enough) {
        Machine machine = Machine.create(config);
        machine.addListener(
                new MachineListener() {
                    @Override
                    public void wasReset(String by) {
                        resets.add(by);
                        enough.countDown();
                    }
                });
        return machine;
    }

    /** The witness counts from nought again, which it could not if a word of memory had stayed. */
    @ParameterizedTest
    @EnumSource(MemoryBacking.class)
    void theGuestBootsAgainAsAfterPowerOn(MemoryBacking backing) throws Exception {
        MachineConfig config = TestGuests.machine(Payload.WITNESS).memoryBacking(backing).build();
        try (Machine machine = create(config, new CountDownLatch(1))) {
            machine.start();
            for (int i = 0; i < 5; i++) {
                WitnessLines lines = new WitnessLines();
                lines.skipToFirst(machine.consoleOutput());
                lines.read(machine.consoleOutput(), 5);
                machine.memory().writeU64(15 << 20, 0x1234);
                machine.reset();
                assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
                assertThat(machine.memory().readU64(15 << 20)).isZero();
            }
        }
        assertThat(resets).hasSize(5).containsOnly("host");
    }

    @Test
    void aPausedMachineStandsAtItsEntry() throws Exception {
        try (Machine machine =
                create(TestGuests.machine(Payload.HELLO).cpus(2).build(), new CountDownLatch(1))) {
            machine.start();
            machine.pause(LONG);
            machine.reset();
            assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
            assertThat(machine.exitStatistics())
                    .containsExactly(
                            new ExitStatistics(0, 0, 0, 0), new ExitStatistics(0, 0, 0, 0));
            machine.resume();
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(new String(machine.consoleOutput().readAllBytes(), US_ASCII))
                    .contains("2 running of 2");
        }
    }

    @Test
    void fiftyTimesLeavesNothingBehind() throws Exception {
        try (Machine machine =
                create(
                        TestGuests.machine(Payload.RING3_SPIN).cpus(2).build(),
                        new CountDownLatch(1))) {
            machine.start();
            for (int i = 0; i < 10; i++) {
                machine.reset();
            }
            long descriptors = entries("/proc/self/fd");
            int threads = threadsOf(machine);
            for (int i = 0; i < 50; i++) {
                machine.reset();
            }
            assertThat(entries("/proc/self/fd")).isLessThanOrEqualTo(descriptors);
            assertThat(threadsOf(machine)).isEqualTo(threads).isEqualTo(2);
            assertThat(resets).hasSize(60);
        }
    }

    private static long entries(String folder) throws Exception {
        try (Stream<Path> entries = Files.list(Path.of(folder))) {
            return entries.count();
        }
    }

    private static int threadsOf(Machine machine) {
        String prefix = machine.config().name() + "-vcpu-";
        return (int)
                Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> thread.getName().startsWith(prefix))
                        .count();
    }

    @ParameterizedTest
    @EnumSource(
            value = Payload.class,
            names = {"END_RESET_PORT", "END_RESET_I8042"})
    void aGuestThatAsksForItBootsAgainAndAgain(Payload payload) throws Exception {
        MachineConfig config =
                TestGuests.machine(payload).cpus(2).resetPolicy(ResetPolicy.REBOOT).build();
        CountDownLatch enough = new CountDownLatch(6);
        try (Machine machine = create(config, enough)) {
            machine.start();
            assertThat(enough.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            // In between, or in the middle: it can be paused at any moment.
            machine.pause(LONG);
            machine.resume();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
        assertThat(resets)
                .hasSizeGreaterThanOrEqualTo(6)
                .containsOnly(payload == Payload.END_RESET_PORT ? "reset port" : "i8042");
    }

    @Test
    void itEndsAGuestThatAsksForItOtherwise() throws Exception {
        try (Machine machine =
                create(TestGuests.machine(Payload.END_RESET_PORT).build(), new CountDownLatch(1))) {
            machine.start();
            assertThat(machine.await(LONG)).contains(new MachineExit.Reset("reset port"));
        }
        assertThat(resets).isEmpty();
    }

    @Test
    void aTripleFaultStillEndsIt() throws Exception {
        MachineConfig config =
                TestGuests.machine(Payload.END_TRIPLE_FAULT)
                        .resetPolicy(ResetPolicy.REBOOT)
                        .build();
        try (Machine machine = create(config, new CountDownLatch(1))) {
            machine.start();
            assertThat(machine.await(LONG)).contains(new MachineExit.TripleFault(0));
        }
    }

    /** The file stays open, so that a reset finds what the machine was created with. */
    @Test
    void aKernelThatWasDeletedIsBootedAgain() throws Exception {
        Path kernel = Files.createTempFile("kernel", ".elf");
        Files.write(kernel, Payload.RING3_SPIN.bytes());
        MachineConfig config = MachineConfig.builder().kernel(kernel).memoryBytes(16 << 20).build();
        CountDownLatch reset = new CountDownLatch(1);
        try (Machine machine = create(config, reset)) {
            machine.start();
            Files.delete(kernel);
            machine.reset();
            assertThat(reset.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
        }
    }

    /** What cannot boot again ends, and says why. */
    @Test
    void aKernelThatWasOverwrittenEndsIt() throws Exception {
        Path kernel = Files.createTempFile("kernel", ".elf");
        Files.write(kernel, Payload.RING3_SPIN.bytes());
        MachineConfig config = MachineConfig.builder().kernel(kernel).memoryBytes(16 << 20).build();
        try (Machine machine = create(config, new CountDownLatch(1))) {
            machine.start();
            Files.write(kernel, new byte[100]);
            assertThat(catchThrowable(machine::reset)).isInstanceOf(BootException.class);
            MachineExit exit = machine.await();
            assertThat(exit).isInstanceOf(MachineExit.Failed.class);
            assertThat(((MachineExit.Failed) exit).reason()).startsWith("the reset failed: ");
        }
    }

    @Test
    void aGuestThatResetsInALoopWaitsLongerEachTime() {
        RebootPace pace = new RebootPace();
        assertThat(pace.after(Duration.ofMillis(1))).isZero();
        assertThat(pace.after(Duration.ofMillis(1))).isEqualTo(Duration.ofMillis(10));
        assertThat(pace.after(Duration.ofMillis(1))).isEqualTo(Duration.ofMillis(20));
        for (int i = 0; i < 20; i++) {
            pace.after(Duration.ofMillis(1));
        }
        assertThat(pace.after(Duration.ofMillis(999))).isEqualTo(Duration.ofSeconds(1));
        assertThat(pace.after(Duration.ofSeconds(1))).isZero();
        assertThat(pace.after(Duration.ofMillis(1))).isEqualTo(Duration.ofMillis(10));
    }
}
