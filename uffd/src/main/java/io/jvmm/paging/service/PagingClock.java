// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingListener;

import org.jspecify.annotations.Nullable;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A thread that looks at regular times who waits for too long, and tells the listener what has
 * happened. So a listener that takes its time delays no page. Where no vCPU can wait any more, it
 * sleeps.
 */
final class PagingClock implements AutoCloseable {

    private static final System.Logger LOG = System.getLogger("io.jvmm.paging");

    private static final long CLOSING_NANOS = 10_000_000_000L;
    private static final long LONGEST_TICK_NANOS = 250_000_000;

    private final Queue<PagingEvent> events = new ConcurrentLinkedQueue<>();
    private final PagingListener listener;
    private final BooleanSupplier tick;
    private final long tickNanos;
    private final Thread thread;
    private final AtomicReference<@Nullable PagingEvent> last = new AtomicReference<>();
    // Nothing can be overdue; only a call or an event ends that.
    private volatile boolean resting;
    private volatile boolean called;
    private volatile boolean deathUntold;
    private volatile boolean ending;
    private volatile boolean silent;

    /**
     * @param tick looks; whether there will be something to look at, without a call of {@link
     *     #wake}
     */
    PagingClock(PagingListener listener, long deadlineNanos, BooleanSupplier tick) {
        this.listener = listener;
        this.tick = tick;
        tickNanos = Math.clamp(deadlineNanos / 4, 1_000_000, LONGEST_TICK_NANOS);
        thread = Thread.ofPlatform().daemon().name("paging-clock").unstarted(this::run);
    }

    void begin() {
        thread.start();
    }

    /**
     * Has the listener told; returns at once. An event for which there is no memory is not told;
     * the statistics have its numbers.
     */
    void tell(PagingEvent event) {
        try {
            events.add(event);
        } catch (OutOfMemoryError _) {
            return;
        }
        LockSupport.unpark(thread);
    }

    /** Has the listener told of a failure, if there is memory for it. */
    void tellFailed(Throwable cause) {
        try {
            tell(new PagingEvent.Failed(cause));
        } catch (OutOfMemoryError _) {
            // Whatever has failed is tried again, and tells of itself again.
        }
    }

    /** Has the listener told of the service's end. Allocates nothing; the first call counts. */
    void tellDeath(PagingEvent.ServiceDied event) {
        if (last.compareAndSet(null, event)) {
            deathUntold = true;
            LockSupport.unpark(thread);
        }
    }

    /** From here on there may be something to look at. */
    void wake() {
        called = true;
        if (resting) {
            LockSupport.unpark(thread);
        }
    }

    // The thread that ends here would leave overdue faults untold.
    @SuppressWarnings("CatchingUnchecked")
    private void run() {
        long next = System.nanoTime();
        while (!ending) {
            try {
                next = round(next);
            } catch (RuntimeException | Error _) {
                // Told nowhere, for telling may be what fails; the next round follows.
                next = System.nanoTime() + tickNanos;
            }
        }
        deliver();
    }

    /**
     * Waits until there is something to do, and does it.
     *
     * @param next when to look
     * @return when to look again
     */
    private long round(long next) {
        await(next);
        deliver();
        if (called) {
            // Before the look, which finds what the call was about.
            called = false;
            resting = false;
        }
        if (resting || ending || System.nanoTime() - next < 0) {
            return next;
        }
        if (!tick()) {
            resting = true;
            // Once more, now that a call would wake this thread.
            if (tick()) {
                resting = false;
            }
        }
        return System.nanoTime() + tickNanos;
    }

    // The listener and the tick may park, and take the permit of a call that comes meanwhile. So
    // what the call has changed is looked at again after them, right before each park.
    private void await(long next) {
        while (events.isEmpty() && !called && !ending && !deathUntold) {
            if (resting) {
                LockSupport.park(this);
            } else {
                long left = next - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                LockSupport.parkNanos(this, left);
            }
        }
    }

    // It is the clock that has missed pages looked for again.
    @SuppressWarnings("CatchingUnchecked")
    private boolean tick() {
        try {
            return tick.getAsBoolean();
        } catch (RuntimeException | Error e) {
            tellFailed(e);
            return true;
        }
    }

    private void deliver() {
        for (PagingEvent event = events.poll(); event != null && !silent; event = events.poll()) {
            tell(listener, event);
        }
        PagingEvent death = last.get();
        if (deathUntold && death != null && !silent) {
            deathUntold = false;
            tell(listener, death);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    static void tell(PagingListener listener, PagingEvent event) {
        try {
            listener.on(event);
        } catch (RuntimeException | Error e) {
            log(event, e);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private static void log(PagingEvent event, Throwable failure) {
        try {
            LOG.log(System.Logger.Level.WARNING, "a listener failed at " + event, failure);
        } catch (RuntimeException | Error _) {
            // There is no memory for the log either; the clock goes on.
        }
    }

    @Override
    public void close() {
        close(System.nanoTime() + CLOSING_NANOS);
    }

    /**
     * Tells what is left to tell and ends.
     *
     * @param until when to wait no longer for the listener; afterwards it is told nothing
     */
    void close(long until) {
        ending = true;
        LockSupport.unpark(thread);
        boolean _ = Joining.join(thread, until);
        silent = true;
    }
}
