// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

@RequiresKvm
@Timeout(240)
class MachinePauseTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final MachineExit STOPPED = new MachineExit.Stopped();

    private static Machine create(Payload payload) {
        return Machine.create(TestGuests.machine(payload).build());
    }

    private static void refuses(Runnable call, String message) {
        assertThatIllegalStateException().isThrownBy(call::run).withMessage(message);
    }

    @ParameterizedTest
    @EnumSource(
            value = Payload.class,
            names = {"RING0_SPIN", "RING3_SPIN", "RING0_HLT", "RING3_PORTS", "RING3_MMIO"})
    void pausesAndResumesWhateverTheGuestDoes(Payload payload) throws Exception {
        for (KickStrategy strategy : KickStrategy.values()) {
            MachineConfig config =
                    TestGuests.machine(payload).cpus(2).kickStrategy(strategy).build();
            try (Machine machine = Machine.create(config)) {
                machine.start();
                for (int i = 0; i < 20; i++) {
                    Standstill standstill = machine.pause(LONG);
                    assertThat(standstill.vcpus())
                            .containsExactly(Standstill.Rest.OUT, Standstill.Rest.OUT);
                    assertThat(standstill.isComplete()).isTrue();
                    assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
                    machine.resume();
                    assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
                }
                machine.stop();
                assertThat(machine.await()).isEqualTo(STOPPED);
            }
        }
    }

    @Test
    void aPausedGuestDoesNothing() throws Exception {
        try (Machine machine = create(Payload.RING3_PORTS)) {
            machine.start();
            machine.pause(LONG);
            List<ExitStatistics> before = machine.exitStatistics();
            assertThat(machine.await(Duration.ofMillis(50))).isEmpty();
            assertThat(machine.exitStatistics()).isEqualTo(before);
            machine.resume();
            while (machine.exitStatistics().getFirst().port() == before.getFirst().port()) {
                assertThat(machine.await(Duration.ofMillis(1))).isEmpty();
            }
        }
    }

    @Test
    void whatAStateDoesNotAllowIsRefusedInOneLine() throws Exception {
        Machine machine = create(Payload.RING3_SPIN);
        String name = "machine ring3-spin is ";
        refuses(() -> machine.pause(LONG), name + "CREATED and cannot pause");
        refuses(machine::resume, name + "CREATED and cannot resume");
        refuses(machine::reset, name + "CREATED and cannot be reset");
        machine.start();
        refuses(machine::start, name + "RUNNING and cannot start");
        refuses(machine::resume, name + "RUNNING and cannot resume");
        machine.pause(LONG);
        refuses(machine::start, name + "PAUSED and cannot start");
        refuses(() -> machine.pause(LONG), name + "PAUSED and cannot pause");
        machine.stop();
        assertThat(machine.await()).isEqualTo(STOPPED);
        for (MachineState last : List.of(MachineState.ENDED, MachineState.CLOSED)) {
            assertThat(machine.state()).isEqualTo(last);
            refuses(machine::start, name + last + " and cannot start");
            refuses(() -> machine.pause(LONG), name + last + " and cannot pause");
            refuses(machine::resume, name + last + " and cannot resume");
            refuses(machine::reset, name + last + " and cannot be reset");
            machine.close();
        }
    }

    @Test
    void listenersHearEachTransition() {
        List<MachineState> heard = new ArrayList<>();
        try (Machine machine = create(Payload.RING3_SPIN)) {
            machine.addListener(
                    new MachineListener() {
                        @Override
                        public void stateChanged(MachineState state) {
                            heard.add(state);
                        }
                    });
            machine.start();
            machine.pause(LONG);
            machine.resume();
            machine.pause(LONG);
        }
        assertThat(heard)
                .containsExactly(
                        MachineState.RUNNING,
                        MachineState.PAUSED,
                        MachineState.RUNNING,
                        MachineState.PAUSED,
                        MachineState.ENDED,
                        MachineState.CLOSED);
    }

    /** Each callback takes the next step; none of them is inside of another. */
    @Test
    void aListenerMayPauseAndResume() throws Exception {
        try (Machine machine = create(Payload.RING3_SPIN)) {
            CompletableFuture<List<MachineState>> done = new CompletableFuture<>();
            List<MachineState> heard = new ArrayList<>();
            machine.addListener(
                    new MachineListener() {
                        @Override
                        public void stateChanged(MachineState state) {
                            heard.add(state);
                            if (heard.size() == 7) {
                                done.complete(List.copyOf(heard));
                            } else if (state == MachineState.PAUSED) {
                                machine.resume();
                            } else if (heard.size() < 7) {
                                machine.pause(LONG);
                            }
                        }
                    });
            machine.start();
            assertThat(done.get(60, TimeUnit.SECONDS))
                    .containsExactly(
                            MachineState.RUNNING,
                            MachineState.PAUSED,
                            MachineState.RUNNING,
                            MachineState.PAUSED,
                            MachineState.RUNNING,
                            MachineState.PAUSED,
                            MachineState.RUNNING);
        }
    }

    @Test
    void anInterruptDoesNotKeepItFromPausing() {
        try (Machine machine = create(Payload.RING3_SPIN)) {
            machine.start();
            Thread.currentThread().interrupt();
            assertThat(machine.pause(LONG).isComplete()).isTrue();
            assertThat(Thread.interrupted()).isTrue();
            machine.resume();
        }
    }

    @Test
    void whatIsTypedIntoAPausedMachineWaits() throws Exception {
        MachineConfig config = TestGuests.machine("echo", TestGuests.ECHO).build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            machine.pause(LONG);
            machine.consoleInput().write("abcq".getBytes(US_ASCII));
            machine.sendBreak();
            // A port that had taken it would send it here as well.
            try (Machine copy =
                    Machine.restore(config, machine.save(LONG), MemoryLoader.copyOf(machine))) {
                copy.resume();
                copy.consoleInput().write("zq".getBytes(US_ASCII));
                assertThat(copy.await(LONG)).contains(new MachineExit.PowerOff());
                assertThat(echoed(copy)).isEqualTo("zq");
            }
            machine.resume();
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(echoed(machine)).isEqualTo("abcq");
        }
    }

    /** Without the zero that a break is read as. */
    private static String echoed(Machine machine) throws IOException {
        return new String(machine.consoleOutput().readAllBytes(), US_ASCII).replace("\0", "");
    }

    /** Its vCPU waits for the reader in the middle of an access, and must come out of that. */
    @Test
    void aReaderThatDoesNotReadDoesNotKeepItFromPausing() throws Exception {
        CountDownLatch reading = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(1);
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        OutputStream reader =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        throw new AssertionError("byte by byte");
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        blocked.countDown();
                        boolean interrupted = false;
                        while (reading.getCount() > 0) {
                            try {
                                reading.await();
                            } catch (InterruptedException e) {
                                interrupted = true;
                            }
                        }
                        assertThat(interrupted).isFalse();
                        read.write(bytes, offset, length);
                    }
                };
        try (Machine machine =
                Machine.create(
                        TestGuests.machine("flood", TestGuests.FLOOD)
                                .console(new ConsoleTarget.ToStream(reader))
                                .build())) {
            machine.start();
            assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
            while (!waits("flood-vcpu-0")) {
                assertThat(machine.await(Duration.ofMillis(1))).isEmpty();
            }
            for (int i = 0; i < 5; i++) {
                assertThat(machine.pause(LONG).isComplete()).isTrue();
                machine.resume();
            }
            reading.countDown();
            machine.stop();
            assertThat(machine.await()).isEqualTo(STOPPED);
        }
        assertThat(read.toString(US_ASCII)).matches("x+");
        // As much as the guest could write before it had to wait; none of it is lost.
        assertThat(read.size()).isGreaterThanOrEqualTo(64 * 1024);
    }

    /** Not for a command: the machine runs. */
    private static boolean waits(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread ->
                        thread.getName().equals(name) && thread.getState() == Thread.State.WAITING);
    }

    @Test
    void theTimerDoesNotCatchUpWithAPause() throws Exception {
        WitnessLines lines = new WitnessLines();
        try (Machine machine = create(Payload.WITNESS)) {
            machine.start();
            for (int i = 0; i < 10; i++) {
                lines.read(machine.consoleOutput(), 3);
                machine.pause(LONG);
                assertThat(machine.await(Duration.ofMillis(20))).isEmpty();
                machine.resume();
            }
            lines.read(machine.consoleOutput(), 20);
        }
    }

    /** By kvmclock, which every host lets be moved. Bounds hold however busy the host is. */
    @ParameterizedTest
    @EnumSource(PausedTime.class)
    void aPauseIsHiddenOrCounted(PausedTime pausedTime) throws Exception {
        WitnessLines lines = new WitnessLines();
        try (Machine machine =
                Machine.create(
                        TestGuests.machine(Payload.WITNESS).pausedTime(pausedTime).build())) {
            long start = System.nanoTime();
            machine.start();
            lines.read(machine.consoleOutput(), 2);
            long guestStart = lines.clock();
            long standing = 0;
            for (int i = 0; i < 5; i++) {
                machine.pause(LONG);
                long from = System.nanoTime();
                assertThat(machine.await(Duration.ofMillis(100))).isEmpty();
                standing += System.nanoTime() - from;
                machine.resume();
                lines.read(machine.consoleOutput(), 2);
            }
            long guestPassed = lines.clock() - guestStart;
            long hostPassed = System.nanoTime() - start;
            switch (pausedTime) {
                case HIDDEN -> assertThat(guestPassed).isLessThan(hostPassed - standing);
                case COUNTED -> assertThat(guestPassed).isGreaterThan(standing);
            }
        }
    }

    @Test
    void theEndOfAPausedMachineIsItsEnd() throws Exception {
        Machine machine = create(Payload.RING0_HLT);
        machine.start();
        machine.pause(LONG);
        machine.close();
        assertThat(machine.await()).isEqualTo(STOPPED);
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
    }

    @Test
    void thePowerButtonInterruptsTheGuest() throws Exception {
        try (Machine machine = create(Payload.POWER_BUTTON)) {
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            machine.pause(LONG);
            assertThat(machine.powerButton()).isTrue();
            machine.resume();
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(machine.consoleOutput().read()).isEqualTo('B');
        }
    }
}
