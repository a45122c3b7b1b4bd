// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.paging.PageGate;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.PagingListener;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * What a machine does about the events of its paging: tells its listeners, and deals with a vCPU
 * that waits for a page for too long.
 *
 * <p>Events come on a thread that the end of the paging waits for, and listeners may end the
 * machine; so nothing here works on that thread.
 */
final class PagingReactions implements PagingListener {

    /** What the machine can do about it. */
    interface Owner {
        /** Notes what the listeners are to hear. Returns at once. */
        void note(PagingEvent event);

        /** Tells the listeners what was noted. */
        void tellNoted();

        /**
         * Pauses the guest.
         *
         * @return how to end this pause, and only this one; empty if the guest does not run
         */
        Optional<Runnable> pauseForPaging();

        /** Ends the guest. */
        void fail(String reason);
    }

    private static final Logger LOG = LoggerFactory.getLogger(PagingReactions.class);
    private static final Duration FOR_EVER = Duration.ofDays(10_000);

    private final String machine;
    private final Owner owner;
    private final Supplier<Optional<PageGate>> gate;
    private final Queue<Long> overdue = new ConcurrentLinkedQueue<>();
    // Whether a thread is at it; who adds to the queue and finds none starts one.
    private final AtomicBoolean pausing = new AtomicBoolean();

    PagingReactions(String machine, Owner owner, Supplier<Optional<PageGate>> gate) {
        this.machine = machine;
        this.owner = owner;
        this.gate = gate;
    }

    @Override
    public void on(PagingEvent event) {
        // Noted at once, so that events keep their order and none follows the machine's end.
        owner.note(event);
        react(event);
        start("paging-event", owner::tellNoted);
    }

    private void react(PagingEvent event) {
        switch (event) {
            case PagingEvent.Overdue late -> react(late);
            case PagingEvent.ServiceDied died ->
                    owner.fail("its paging has failed: the %s has died".formatted(died.thread()));
            case PagingEvent.SourceAway _,
                    PagingEvent.SourceBack _,
                    PagingEvent.Lost _,
                    PagingEvent.Complete _,
                    PagingEvent.Failed _ -> {}
        }
    }

    private void react(PagingEvent.Overdue late) {
        switch (late.policy()) {
            case KEEP_WAITING -> {}
            case PAUSE -> {
                overdue.add(late.gpa());
                if (!pausing.getAndSet(true) && !start("overdue", this::pauseWhileOverdue)) {
                    pausing.set(false);
                }
            }
            case FAIL ->
                    owner.fail(
                            "the page at 0x%x has not come within %d ms, and a vCPU waits for it"
                                    .formatted(late.gpa(), late.waited().toMillis()));
        }
    }

    /** Has a thread do it; whether there is one to be had. */
    private boolean start(String name, Runnable work) {
        try {
            Thread.ofPlatform().daemon(true).name(machine + "-" + name).start(work);
            return true;
        } catch (OutOfMemoryError e) {
            LOG.warn("{}: there is no thread for {}", machine, name, e);
            return false;
        }
    }

    /** One pause for all that are overdue, until the last of them has come. */
    private void pauseWhileOverdue() {
        do {
            pauseForThose();
            pausing.set(false);
            // One that was added before that has found a pause under way.
        } while (!overdue.isEmpty() && !pausing.getAndSet(true));
    }

    private void pauseForThose() {
        Optional<Runnable> resume = pause();
        for (Long gpa = overdue.poll(); gpa != null; gpa = overdue.poll()) {
            if (resume.isPresent()) {
                await(gpa);
            }
        }
        resume.ifPresent(this::end);
    }

    // Errors too: the next page that is overdue is to find nothing half-done.
    @SuppressWarnings("CatchingUnchecked")
    private Optional<Runnable> pause() {
        try {
            return owner.pauseForPaging();
        } catch (RuntimeException | Error e) {
            LOG.warn("{} is not paused though a page is overdue", machine, e);
            return Optional.empty();
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void end(Runnable pause) {
        try {
            pause.run();
        } catch (RuntimeException | Error e) {
            LOG.warn("{} stays paused though its overdue pages have come", machine, e);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void await(long gpa) {
        try {
            gate.get().ifPresent(pages -> pages.populate(gpa, 1, FOR_EVER));
        } catch (PagingException e) {
            LOG.debug("{} does not go on for this page", machine, e);
        } catch (RuntimeException | Error e) {
            LOG.warn("{} does not wait for an overdue page", machine, e);
        }
    }
}
