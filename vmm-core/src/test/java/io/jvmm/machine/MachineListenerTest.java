// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

@RequiresKvm
@Timeout(60)
class MachineListenerTest {

    private final List<String> heard = new CopyOnWriteArrayList<>();

    /** Writes down what it hears. */
    private final class Recorder implements MachineListener {
        @Override
        public void stateChanged(MachineState state) {
            heard.add(state.toString());
        }

        @Override
        public void exited(MachineExit exit) {
            heard.add(exit.toString());
        }
    }

    private static MachineListener onExit(Consumer<MachineExit> action) {
        return new MachineListener() {
            @Override
            public void exited(MachineExit exit) {
                action.accept(exit);
            }
        };
    }

    private static Machine create(Payload payload) {
        return Machine.create(TestGuests.machine(payload).build());
    }

    @Test
    void hearsEverythingInOrder() throws Exception {
        try (Machine machine = create(Payload.END_POWER_OFF)) {
            machine.addListener(new Recorder());
            machine.start();
            machine.await();
            assertThat(heard).containsExactly("RUNNING", "ENDED", "PowerOff[]");
        }
        assertThat(heard).containsExactly("RUNNING", "ENDED", "PowerOff[]", "CLOSED");
    }

    @Test
    void hearsTheSameWhenARunningMachineIsClosed() {
        for (int round = 0; round < 20; round++) {
            heard.clear();
            try (Machine machine = create(Payload.RING3_SPIN)) {
                machine.addListener(new Recorder());
                machine.start();
            }
            assertThat(heard).containsExactly("RUNNING", "ENDED", "Stopped[]", "CLOSED");
        }
    }

    @Test
    void hearsOfAMachineThatNeverRan() {
        try (Machine machine = create(Payload.RING3_SPIN)) {
            machine.addListener(new Recorder());
        }
        assertThat(heard).containsExactly("ENDED", "Stopped[]", "CLOSED");
    }

    @Test
    void oneThatThrowsChangesNothing() throws Exception {
        try (Machine machine = create(Payload.END_POWER_OFF)) {
            machine.addListener(
                    new MachineListener() {
                        @Override
                        public void stateChanged(MachineState state) {
                            throw new IllegalStateException("planted");
                        }

                        @Override
                        public void exited(MachineExit exit) {
                            throw new AssertionError("planted");
                        }
                    });
            machine.addListener(new Recorder());
            machine.start();
            assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
        }
        assertThat(heard).containsExactly("RUNNING", "ENDED", "PowerOff[]", "CLOSED");
    }

    @Test
    void mayCloseTheMachineWhenItEnds() throws Exception {
        Machine machine = create(Payload.END_POWER_OFF);
        machine.addListener(onExit(exit -> machine.close()));
        machine.start();
        assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
    }

    @Test
    void mayCloseTheMachineWhenItStarts() throws Exception {
        Machine machine = create(Payload.RING3_SPIN);
        machine.addListener(
                new MachineListener() {
                    @Override
                    public void stateChanged(MachineState state) {
                        if (state == MachineState.RUNNING) {
                            machine.close();
                        }
                    }
                });
        machine.start();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
    }

    @Test
    void theMachineMayBeClosedByWhatFollowsItsExit() throws Exception {
        Machine machine = create(Payload.END_POWER_OFF);
        CompletableFuture<Void> closed = machine.exit().thenRun(machine::close);
        machine.start();
        closed.get(30, TimeUnit.SECONDS);
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
    }

    @Test
    void cannotWaitForTheEndItIsToldOf() throws Exception {
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        try (Machine machine = create(Payload.END_POWER_OFF)) {
            machine.addListener(
                    onExit(exit -> {
                        try {
                            thrown.completeExceptionally(new AssertionError(machine.await()));
                        } catch (IllegalStateException | InterruptedException e) {
                            thrown.complete(e);
                        }
                    }));
            machine.start();
            assertThat(thrown.get(30, TimeUnit.SECONDS))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot wait for the end");
            assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
        }
    }
}
