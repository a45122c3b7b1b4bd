// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Who may do something to a machine, and how long the others wait. */
@Timeout(60)
class LifeTest {

    private static final Duration LONG = Duration.ofSeconds(30);

    private final AtomicBoolean reserved = new AtomicBoolean();
    private final MachineEvents events = new MachineEvents("test");
    private final Life life = new Life("test", MachineState.RUNNING, events, reserved::get);
    private final List<String> done = new ArrayList<>();

    private boolean operate(Duration atMost) {
        return life.during(
                "be tried", Deadline.in(atMost), () -> done.add("other"), MachineState.RUNNING);
    }

    @Test
    void anOperationBehindAReservedOneWaitsNoLongerThanItsCallerGives() {
        reserved.set(true);
        assertThatThrownBy(() -> operate(Duration.ofMillis(30)))
                .isInstanceOf(DeadlineException.class)
                .hasMessage("machine test was busy all the time and could not be tried");
        assertThat(done).isEmpty();
    }

    @Test
    void whatIsReservedComesFirst() throws Exception {
        reserved.set(true);
        CompletableFuture<Boolean> other = CompletableFuture.supplyAsync(() -> operate(LONG));
        life.first(() -> {
            done.add("reserved");
            reserved.set(false);
        });
        assertThat(other.get(30, TimeUnit.SECONDS)).isTrue();
        assertThat(done).containsExactly("reserved", "other");
    }

    @Test
    void anOperationBehindAReservedOneIsRefusedWhenTheEndComes() {
        reserved.set(true);
        CompletableFuture<Boolean> other = CompletableFuture.supplyAsync(() -> operate(LONG));
        assertThat(life.beginEnd()).isTrue();
        life.first(() -> done.add("reserved"));
        life.afterOperations(() -> life.enter(MachineState.ENDED));
        assertThatThrownBy(() -> other.get(30, TimeUnit.SECONDS))
                .hasCauseInstanceOf(IllegalStateException.class);
        assertThat(done).isEmpty();
    }

    @Test
    void anEventThatCannotBeToldDoesNotKeepTheNext() {
        events.noteFollowUp(() -> {
            throw new OutOfMemoryError("of the test");
        });
        events.noteFollowUp(() -> done.add("told"));
        events.tellAll();
        assertThat(done).containsExactly("told");
    }
}
