package io.jvmm.paging;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that looks at regular times who waits for too long, and tells the listener what has
 * happened. So a listener that takes its time delays no page.
 */
final class PagingClock implements AutoCloseable {

    private static final long LONGEST_TICK_NANOS = 250_000_000;

    private final Queue<PagingEvent> events = new ConcurrentLinkedQueue<>();
    private final PagingListener listener;
    private final Runnable tick;
    private final long tickNanos;
    private final Thread thread;
    private volatile boolean ending;

    PagingClock(PagingListener listener, long deadlineNanos, Runnable tick) {
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

    private void run() {
        long next = System.nanoTime();
        while (!ending) {
            deliver();
            long now = System.nanoTime();
            if (now - next >= 0) {
                tick();
                next = now + tickNanos;
            }
            if (events.isEmpty()) {
                LockSupport.parkNanos(this, next - now);
            }
        }
        deliver();
    }

    // It is the clock that has missed pages looked for again.
    @SuppressWarnings("CatchingUnchecked")
    private void tick() {
        try {
            tick.run();
        } catch (RuntimeException | Error e) {
            events.add(new PagingEvent.Failed(e));
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
