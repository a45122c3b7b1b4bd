// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.boot.BootException;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;

@RequiresKvm
@Timeout(120)
class MachineLifeTest {

    private static final MachineExit STOPPED = new MachineExit.Stopped();

    private static Machine spinning() {
        return Machine.create(TestGuests.machine(Payload.RING3_SPIN).cpus(2).build());
    }

    @Test
    void fromItsMakingToItsEnd() throws Exception {
        MachineExit powerOff = new MachineExit.PowerOff();
        Machine machine = Machine.create(TestGuests.machine(Payload.END_POWER_OFF).build());
        assertThat(machine.state()).isEqualTo(MachineState.CREATED);
        assertThat(machine.config().name()).isEqualTo("end-power-off");
        assertThat(machine.exit()).isNotDone();
        machine.start();
        assertThat(machine.await()).isEqualTo(powerOff);
        assertThat(machine.state()).isEqualTo(MachineState.ENDED);
        assertThat(machine.exit()).isCompletedWithValue(powerOff);
        machine.stop();
        machine.close();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.await()).isEqualTo(powerOff);
        assertThat(machine.exitStatistics()).hasSize(1);
    }

    @Test
    void startsOnce() {
        Machine machine = spinning();
        machine.start();
        assertThatThrownBy(machine::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("machine ring3-spin is RUNNING and cannot start");
        machine.close();
        assertThatThrownBy(machine::start)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("machine ring3-spin is CLOSED and cannot start");
    }

    @Test
    void stopsBeforeItStarts() throws Exception {
        try (Machine machine = spinning()) {
            machine.stop();
            assertThat(machine.await()).isEqualTo(STOPPED);
            assertThatThrownBy(machine::start)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("machine ring3-spin is ENDED and cannot start");
            assertThat(machine.exitStatistics()).containsOnly(new ExitStatistics(0, 0, 0, 0));
        }
    }

    @Test
    void closesBeforeItStartsAndTwice() throws Exception {
        Machine machine = spinning();
        machine.close();
        machine.close();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.await()).isEqualTo(STOPPED);
    }

    @Test
    void closesWhileItRuns() throws Exception {
        Machine machine = spinning();
        machine.start();
        machine.close();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.await()).isEqualTo(STOPPED);
        machine.stop();
        machine.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = Payload.class,
            names = {"RING0_SPIN", "RING3_SPIN", "RING0_HLT", "RING3_PORTS", "RING3_MMIO"})
    void stopsWhateverTheGuestDoes(Payload payload) throws Exception {
        try (Machine machine = Machine.create(TestGuests.machine(payload).build())) {
            machine.start();
            machine.stop();
            machine.stop();
            assertThat(machine.await()).isEqualTo(STOPPED);
            assertThat(machine.state()).isEqualTo(MachineState.ENDED);
        }
    }

    @Test
    void waitsForSomeTime() throws Exception {
        try (Machine machine = spinning()) {
            assertThat(machine.await(Duration.ZERO)).isEmpty();
            machine.start();
            assertThat(machine.await(Duration.ofMillis(20))).isEmpty();
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            machine.stop();
            assertThat(machine.await(Duration.ofSeconds(30))).contains(STOPPED);
        }
    }

    @Test
    void whoWaitsCanBeInterrupted() throws Exception {
        try (Machine machine = spinning()) {
            machine.start();
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            Thread waiter =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    thrown.completeExceptionally(
                                            new AssertionError(machine.await()));
                                } catch (Throwable e) {
                                    thrown.complete(e);
                                }
                            });
            waiter.interrupt();
            assertThat(thrown.get(30, TimeUnit.SECONDS)).isInstanceOf(InterruptedException.class);
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
        }
    }

    @Test
    void anInterruptDoesNotKeepItFromClosing() throws Exception {
        Machine machine = spinning();
        machine.start();
        Thread.currentThread().interrupt();
        machine.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(machine.await()).isEqualTo(STOPPED);
    }

    @Test
    void theFutureIsACopy() throws Exception {
        try (Machine machine = spinning()) {
            machine.exit().complete(new MachineExit.GuestPanic());
            machine.exit().cancel(true);
            machine.start();
            machine.stop();
            assertThat(machine.exit().get(30, TimeUnit.SECONDS)).isEqualTo(STOPPED);
        }
    }

    /** Every thread does the same at the same time, in all mixtures of start, stop and close. */
    @Test
    void manyThreadsAtOnce() throws Exception {
        for (int round = 0; round < 30; round++) {
            Machine machine = spinning();
            if (round % 2 == 0) {
                machine.start();
            }
            int threads = 6;
            CyclicBarrier together = new CyclicBarrier(threads);
            List<CompletableFuture<MachineExit>> seen = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int role = i;
                CompletableFuture<MachineExit> exit = new CompletableFuture<>();
                seen.add(exit);
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                together.await();
                                act(machine, role);
                                exit.complete(machine.await());
                            } catch (Throwable e) {
                                exit.completeExceptionally(e);
                            }
                        });
            }
            for (CompletableFuture<MachineExit> exit : seen) {
                assertThat(exit.get(60, TimeUnit.SECONDS)).isEqualTo(STOPPED);
            }
            assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        }
    }

    private static void act(Machine machine, int role) throws Exception {
        switch (role) {
            case 0 -> {
                if (machine.state() == MachineState.CREATED) {
                    try {
                        machine.start();
                    } catch (IllegalStateException e) {
                        assertThat(e).hasMessageContaining("cannot start");
                    }
                }
            }
            case 1 -> {
                MachineExit _ = machine.await();
                machine.close();
            }
            case 2 -> machine.close();
            default -> machine.stop();
        }
    }

    @Test
    void aKernelThatIsNoneLeavesNothingBehind() {
        int threads = Thread.getAllStackTraces().size();
        assertThatThrownBy(() -> Machine.create(TestGuests.machine("no", new byte[4096]).build()))
                .isInstanceOf(BootException.class);
        assertThat(Thread.getAllStackTraces()).hasSizeLessThanOrEqualTo(threads);
    }

    @Test
    void bootsFromAMemoryFile() throws Exception {
        try (Machine machine =
                Machine.create(
                        TestGuests.machine(Payload.HELLO)
                                .memoryBacking(MemoryBacking.MEMFD)
                                .memoryBytes(32 << 20)
                                .build())) {
            machine.start();
            assertThat(new String(machine.consoleOutput().readAllBytes(), US_ASCII))
                    .contains("32 MiB", "Powering off.");
            assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
        }
    }

    @Test
    void countsExits() throws Exception {
        try (Machine machine = Machine.create(TestGuests.machine(Payload.RING3_MMIO).build())) {
            machine.start();
            while (machine.exitStatistics().getFirst().mmio() < 100) {
                assertThat(machine.await(Duration.ofMillis(1))).isEmpty();
            }
            machine.stop();
            assertThat(machine.await()).isEqualTo(STOPPED);
            ExitStatistics statistics = machine.exitStatistics().getFirst();
            assertThat(statistics.mmio()).isGreaterThanOrEqualTo(100);
            // 1, 2, 4 and 8 bytes, each reported, the last in two halves.
            assertThat(statistics.port()).isEqualTo(5);
            assertThat(statistics.kicks()).isPositive();
        }
    }

    @Test
    void thePowerButtonReachesTheGuest() throws Exception {
        try (Machine machine =
                Machine.create(TestGuests.machine("button", TestGuests.POWER_BUTTON).build())) {
            machine.start();
            assertThat(machine.await(Duration.ofMillis(20))).isEmpty();
            machine.powerButton();
            assertThat(machine.await(Duration.ofSeconds(60))).contains(new MachineExit.PowerOff());
        }
    }

    /** Its interrupt has nowhere to go any more. */
    @Test
    void aClosedMachineTakesItsControlsQuietly() throws Exception {
        Machine machine =
                Machine.create(
                        TestGuests.machine("closed", TestGuests.POWER_BUTTON_INTERRUPT).build());
        machine.start();
        assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
        machine.close();
        machine.powerButton();
        machine.sendBreak();
        assertThat(machine.exitStatistics()).hasSize(1);
    }
}
