package io.jvmm.paging.service;

import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingListener;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A thread that looks at regular times who waits for too long, and tells the listener what has
 * happened. So a listener that takes its time delays no page. Where nobody can wait any more, it
 * sleeps.
 */
final class PagingClock implements AutoCloseable {

    private static final long LONGEST_TICK_NANOS = 250_000_000;

    private final Queue<PagingEvent> events = new ConcurrentLinkedQueue<>();
    private final PagingListener listener;
    private final BooleanSupplier tick;
    private final long tickNanos;
    private final Thread thread;
    private volatile boolean sleeping;
    private volatile boolean ending;

    /**
     * @param tick looks; whether there will be something to look at, if nobody calls {@link #wake}
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

    /** Has the listener told; returns at once. */
    void tell(PagingEvent event) {
        events.add(event);
        LockSupport.unpark(thread);
    }

    /** From here on there may be something to look at. */
    void wake() {
        if (sleeping) {
            sleeping = false;
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        long next = System.nanoTime();
        while (!ending) {
            deliver();
            long now = System.nanoTime();
            if (now - next >= 0) {
                if (!tick()) {
                    sleep();
                }
                next = System.nanoTime() + tickNanos;
            }
            if (events.isEmpty()) {
                LockSupport.parkNanos(this, next - now);
            }
        }
        deliver();
    }

    private void sleep() {
        sleeping = true;
        // Once more, now that a call would come: nothing falls between looking and sleeping.
        if (tick()) {
            sleeping = false;
        }
        while (sleeping && !ending) {
            deliver();
            LockSupport.park(this);
        }
    }

    // It is the clock that has missed pages looked for again.
    @SuppressWarnings("CatchingUnchecked")
    private boolean tick() {
        try {
            return tick.getAsBoolean();
        } catch (RuntimeException | Error e) {
            events.add(new PagingEvent.Failed(e));
            return true;
        }
    }

    private void deliver() {
        for (PagingEvent event = events.poll(); event != null; event = events.poll()) {
            tell(listener, event);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    static void tell(PagingListener listener, PagingEvent event) {
        try {
            listener.on(event);
        } catch (RuntimeException | Error _) {
            // The listener's affair; the clock goes on.
        }
    }

    @Override
    public void close() {
        ending = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
