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
import java.util.concurrent.atomic.AtomicInteger;
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
        /** Tells the listeners. */
        void tell(PagingEvent event);

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
    private final AtomicInteger overdues = new AtomicInteger();

    PagingReactions(String machine, Owner owner, Supplier<Optional<PageGate>> gate) {
        this.machine = machine;
        this.owner = owner;
        this.gate = gate;
    }

    @Override
    public void on(PagingEvent event) {
        start("paging-event", () -> owner.tell(event));
        if (event instanceof PagingEvent.Overdue late) {
            switch (late.policy()) {
                case KEEP_WAITING -> {}
                case PAUSE -> {
                    overdue.add(late.gpa());
                    if (overdues.getAndIncrement() == 0) {
                        start("overdue", this::pauseWhileOverdue);
                    }
                }
                case FAIL ->
                        owner.fail(
                                "the page at 0x%x has not come within %d ms, and a vCPU waits for it"
                                        .formatted(late.gpa(), late.waited().toMillis()));
            }
        }
    }

    private void start(String name, Runnable work) {
        Thread.ofPlatform().daemon(true).name(machine + "-" + name).start(work);
    }

    /** One pause for all that are overdue, until the last of them has come. */
    private void pauseWhileOverdue() {
        int handled;
        do {
            handled = 0;
            Optional<Runnable> resume = pause();
            for (Long gpa = overdue.poll(); gpa != null; gpa = overdue.poll()) {
                handled++;
                if (resume.isPresent()) {
                    await(gpa);
                }
            }
            resume.ifPresent(Runnable::run);
        } while (overdues.addAndGet(-handled) > 0);
    }

    private Optional<Runnable> pause() {
        try {
            return owner.pauseForPaging();
        } catch (DeadlineException e) {
            LOG.warn("{} is not paused though a page is overdue", machine, e);
            return Optional.empty();
        }
    }

    private void await(long gpa) {
        try {
            gate.get().ifPresent(pages -> pages.populate(gpa, 1, FOR_EVER));
        } catch (PagingException e) {
            LOG.debug("{} does not go on for this page", machine, e);
        }
    }
}
