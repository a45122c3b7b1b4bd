// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PagingEvent;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What a machine does about overdue pages when something goes wrong with it. */
@Timeout(60)
class PagingReactionsTest {

    private static final class Guest implements PagingReactions.Owner {
        final BlockingQueue<String> done = new LinkedBlockingQueue<>();
        volatile boolean fails;

        @Override
        public void note(PagingEvent event) {}

        @Override
        public void tellNoted() {}

        @Override
        public Optional<Runnable> pauseForPaging() {
            done.add("pause");
            if (fails) {
                throw new OutOfMemoryError("for now");
            }
            return Optional.of(() -> done.add("resume"));
        }

        @Override
        public void fail(String reason) {
            done.add(reason);
        }

        String next() throws InterruptedException {
            return String.valueOf(done.poll(30, TimeUnit.SECONDS));
        }
    }

    private final Guest guest = new Guest();
    private final PagingReactions reactions = new PagingReactions("guest", guest, Optional::empty);

    private static PagingEvent overdue(OverduePolicy policy) {
        return new PagingEvent.Overdue(4096, 1, Duration.ofMillis(7), policy);
    }

    @Test
    void aPauseThatFailsWithAnErrorDoesNotKeepTheNextFromBeingTried() throws InterruptedException {
        guest.fails = true;
        reactions.on(overdue(OverduePolicy.PAUSE));
        assertThat(guest.next()).isEqualTo("pause");
        awaitNoThread("guest-overdue");
        guest.fails = false;
        reactions.on(overdue(OverduePolicy.PAUSE));
        assertThat(guest.next()).isEqualTo("pause");
        assertThat(guest.next()).isEqualTo("resume");
    }

    private static void awaitNoThread(String name) {
        while (Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals(name))) {
            assertThat(Thread.interrupted()).as("the time is up").isFalse();
            Thread.onSpinWait();
        }
    }

    @Test
    void aMachineWhosePagingHasDiedIsEnded() throws InterruptedException {
        reactions.on(new PagingEvent.ServiceDied("reader of page faults"));
        assertThat(guest.next())
                .isEqualTo("its paging has failed: the reader of page faults has died");
    }
}
