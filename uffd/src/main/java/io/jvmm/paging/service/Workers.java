package io.jvmm.paging.service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** The threads that fetch ahead, and that help when there are many faults at once. */
final class Workers implements AutoCloseable {

    /** A piece of work. */
    interface Work {
        /**
         * Does a piece if there is one.
         *
         * @return 0 if it did; else for how many nanoseconds to rest unless {@link #signal} comes,
         *     or {@link #UNTIL_SIGNALLED}
         */
        long step();

        /** A step has thrown this; the next one follows. */
        void failed(Throwable cause);
    }

    static final long UNTIL_SIGNALLED = Long.MAX_VALUE;

    private static final long AFTER_FAILURE_NANOS = 100_000_000;

    private final List<Thread> threads = new ArrayList<>();
    private final AtomicInteger resting = new AtomicInteger();
    private final Work work;
    private volatile boolean ending;

    Workers(int count, Work work) {
        this.work = work;
        for (int i = 0; i < count; i++) {
            threads.add(
                    Thread.ofPlatform().daemon().name("paging-worker-" + i).unstarted(this::run));
        }
    }

    void begin() {
        threads.forEach(Thread::start);
    }

    private void run() {
        while (!ending) {
            if (step() > 0) {
                rest();
            }
        }
    }

    private void rest() {
        resting.incrementAndGet();
        // Once more, now that a signal would come: nothing falls between looking and resting.
        long nanos = ending ? 0 : step();
        if (nanos == UNTIL_SIGNALLED) {
            LockSupport.park(this);
        } else if (nanos > 0) {
            LockSupport.parkNanos(this, nanos);
        }
        resting.decrementAndGet();
    }

    // A worker that ends leaves faults behind that nobody serves.
    @SuppressWarnings("CatchingUnchecked")
    private long step() {
        try {
            return work.step();
        } catch (RuntimeException | Error e) {
            work.failed(e);
            return AFTER_FAILURE_NANOS;
        }
    }

    /** There may be work. */
    void signal() {
        if (resting.get() > 0) {
            for (int i = 0; i < threads.size(); i++) {
                LockSupport.unpark(threads.get(i));
            }
        }
    }

    /** Ends the threads; waits for the pieces that they are doing. */
    @Override
    public void close() {
        ending = true;
        threads.forEach(LockSupport::unpark);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
