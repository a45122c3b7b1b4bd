// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.state.StateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A machine is saved in the middle of its work, and another one goes on as it. */
@RequiresKvm
@Timeout(240)
class MachineSaveTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final long SECOND = 1_000_000_000L;

    private static MachineConfig config(Payload payload) {
        return TestGuests.machine(payload).build();
    }

    /** The same state after a journey as bytes. */
    private static SavedMachine travelled(SavedMachine saved) {
        SavedMachine arrived = SavedMachine.fromBytes(saved.toBytes());
        assertThat(arrived).isEqualTo(saved).hasSameHashCodeAs(saved);
        return arrived;
    }

    /** The machine that goes on as this one, which is closed. */
    private static Machine moved(Machine machine, MachineConfig config) {
        try (machine) {
            SavedMachine saved = travelled(machine.save(LONG));
            return Machine.restore(config, saved, MemoryLoader.copyOf(machine));
        }
    }

    /** Its clocks, its timer and its serial port are in the middle of something at any moment. */
    @ParameterizedTest
    @EnumSource(MemoryBacking.class)
    void aGuestGoesOnInOneMachineAfterTheOther(MemoryBacking backing) throws Exception {
        MachineConfig config = TestGuests.machine(Payload.WITNESS).memoryBacking(backing).build();
        WitnessLines lines = new WitnessLines();
        Machine machine = Machine.create(config);
        try {
            machine.start();
            for (int move = 0; move < 10; move++) {
                lines.read(machine.consoleOutput(), 5);
                assertThat(machine.pause(LONG).isComplete()).isTrue();
                lines.readAll(machine.consoleOutput());
                machine = moved(machine, config);
                assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
                machine.resume();
                assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            }
            lines.read(machine.consoleOutput(), 20);
        } finally {
            machine.close();
        }
    }

    @Test
    void theSavedMachineItselfGoesOn() throws Exception {
        WitnessLines lines = new WitnessLines();
        try (Machine machine = Machine.create(config(Payload.WITNESS))) {
            machine.start();
            for (int save = 0; save < 10; save++) {
                lines.read(machine.consoleOutput(), 5);
                machine.pause(LONG);
                SavedMachine first = machine.save(LONG);
                assertThat(machine.save(LONG).toBytes()).hasSameSizeAs(first.toBytes());
                machine.resume();
            }
            lines.read(machine.consoleOutput(), 20);
        }
    }

    /** What is seen of a pause by kvmclock, which every host lets be moved. */
    @ParameterizedTest
    @EnumSource(PausedTime.class)
    void aPauseIsHiddenOrCounted(PausedTime pausedTime) throws Exception {
        MachineConfig config = TestGuests.machine(Payload.WITNESS).pausedTime(pausedTime).build();
        WitnessLines lines = new WitnessLines();
        Machine machine = Machine.create(config);
        try {
            machine.start();
            lines.read(machine.consoleOutput(), 2);
            long host = System.nanoTime();
            long guest = lines.clock();
            long longAgo = 20 * SECOND;
            machine.pause(LONG);
            lines.readAll(machine.consoleOutput());
            // Paused for 20 seconds, as far as clocks are concerned, without waiting for them.
            machine = restoredLater(machine, config, longAgo);
            machine.resume();
            lines.read(machine.consoleOutput(), 2);
            long hostPassed = System.nanoTime() - host;
            long guestPassed = lines.clock() - guest;
            switch (pausedTime) {
                case HIDDEN -> assertThat(guestPassed).isLessThanOrEqualTo(hostPassed + SECOND);
                case COUNTED -> assertThat(guestPassed).isGreaterThan(longAgo);
            }
        } finally {
            machine.close();
        }
    }

    private static Machine restoredLater(Machine machine, MachineConfig config, long nanoseconds) {
        try (machine) {
            SavedMachine saved = SavedMachines.savedEarlier(machine.save(LONG), nanoseconds);
            return Machine.restore(config, travelled(saved), MemoryLoader.copyOf(machine));
        }
    }

    /** The guest sends back what it gets: nothing that waits in its serial port is lost. */
    @Test
    void whatThePortHasReceivedMovesWithIt() throws Exception {
        MachineConfig config = TestGuests.machine("echo", TestGuests.ECHO).build();
        Machine machine = Machine.create(config);
        try {
            machine.start();
            machine.consoleInput().write('a');
            assertThat(machine.consoleOutput().read()).as("the guest listens").isEqualTo('a');
            // Its port, which takes one character, is empty again.
            machine.consoleInput().write('m');
            machine.pause(LONG);
            byte[] before = machine.consoleOutput().readNBytes(machine.consoleOutput().available());
            machine = moved(machine, config);
            machine.resume();
            machine.consoleInput().write('q');
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(
                            new String(before, US_ASCII)
                                    + new String(machine.consoleOutput().readAllBytes(), US_ASCII))
                    .isEqualTo("mq");
        } finally {
            machine.close();
        }
    }

    /** Roles that compute, halt and use devices that are not there. */
    @Test
    void severalVcpusMove() throws Exception {
        MachineConfig config = TestGuests.machine(Payload.HELLO).cpus(4).build();
        for (int round = 0; round < 5; round++) {
            Machine machine = Machine.create(config);
            try {
                machine.start();
                StringBuilder output = new StringBuilder();
                for (int move = 0; move < 5 && !machine.exit().isDone(); move++) {
                    if (!tryPause(machine)) {
                        break;
                    }
                    append(output, machine);
                    machine = moved(machine, config);
                    machine.resume();
                }
                assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
                append(output, machine);
                assertThat(output).contains("4 running of 4", "Powering off.");
            } finally {
                machine.close();
            }
        }
    }

    private static void append(StringBuilder output, Machine machine) throws Exception {
        int available = machine.consoleOutput().available();
        output.append(new String(machine.consoleOutput().readNBytes(available), US_ASCII));
    }

    private static boolean tryPause(Machine machine) {
        try {
            machine.pause(LONG);
            return true;
        } catch (IllegalStateException e) {
            assertThat(machine.exit()).succeedsWithin(LONG);
            return false;
        }
    }

    @Test
    void onlyAPausedMachineIsSavedOrCopied() {
        Machine machine = Machine.create(config(Payload.RING3_SPIN));
        assertThatIllegalStateException()
                .isThrownBy(() -> machine.save(LONG))
                .withMessage("machine ring3-spin is CREATED and cannot be saved");
        machine.start();
        assertThatIllegalStateException()
                .isThrownBy(() -> machine.save(LONG))
                .withMessage("machine ring3-spin is RUNNING and cannot be saved");
        assertThatIllegalStateException()
                .isThrownBy(() -> MemoryLoader.copyOf(machine).load(machine.memory()))
                .withMessage("machine ring3-spin is RUNNING and cannot have its memory copied");
        machine.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> machine.save(LONG))
                .withMessage("machine ring3-spin is CLOSED and cannot be saved");
    }

    @Test
    void aMachineOfAnotherShapeDoesNotTakeIt() {
        try (Machine machine = Machine.create(config(Payload.RING3_SPIN))) {
            machine.start();
            machine.pause(LONG);
            SavedMachine saved = machine.save(LONG);
            int threads = Thread.getAllStackTraces().size();
            assertThatThrownBy(() ->
                            Machine.restore(
                                    TestGuests.machine(Payload.RING3_SPIN).cpus(2).build(),
                                    saved,
                                    MemoryLoader.none()))
                    .isInstanceOf(StateException.class)
                    .hasMessage(
                            "the saved machine has 1 vCPUs and 16777216 bytes of memory, the"
                                    + " configuration 2 and 16777216");
            assertThat(Thread.getAllStackTraces()).hasSizeLessThanOrEqualTo(threads);
        }
    }

    @Test
    void damagedBytesAreRefused() {
        try (Machine machine = Machine.create(config(Payload.RING3_SPIN))) {
            machine.start();
            machine.pause(LONG);
            byte[] bytes = machine.save(LONG).toBytes();
            bytes[bytes.length / 2] ^= 1;
            assertThatThrownBy(() -> SavedMachine.fromBytes(bytes))
                    .isInstanceOf(StateException.class)
                    .hasMessageContaining("damaged");
        }
    }

    @Test
    void aLoaderThatFailsLeavesNothingBehind() {
        try (Machine machine = Machine.create(config(Payload.RING3_SPIN))) {
            machine.start();
            machine.pause(LONG);
            SavedMachine saved = machine.save(LONG);
            int threads = Thread.getAllStackTraces().size();
            assertThatThrownBy(() ->
                            Machine.restore(
                                    machine.config(),
                                    saved,
                                    memory -> {
                                        throw new IllegalArgumentException("planted");
                                    }))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("planted");
            assertThat(Thread.getAllStackTraces()).hasSizeLessThanOrEqualTo(threads);
        }
    }

    @Test
    void aRestoredMachineIsPausedAndEndsLikeAny() throws Exception {
        try (Machine machine = Machine.create(config(Payload.RING3_SPIN))) {
            machine.start();
            machine.pause(LONG);
            try (Machine restored =
                    Machine.restore(
                            machine.config(), machine.save(LONG), MemoryLoader.copyOf(machine))) {
                assertThatIllegalStateException()
                        .isThrownBy(restored::start)
                        .withMessage("machine ring3-spin is PAUSED and cannot start");
                CompletableFuture<MachineExit> exit = restored.exit();
                restored.stop();
                assertThat(exit.get(60, TimeUnit.SECONDS)).isEqualTo(new MachineExit.Stopped());
            }
        }
    }
}
