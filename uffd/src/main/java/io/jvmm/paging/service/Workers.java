// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** The threads that fetch ahead, and that help when there are many faults at once. */
final class Workers {

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
    private final AtomicInteger signals = new AtomicInteger();
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
        int seen = signals.get();
        // Once more, now that a signal would come: nothing falls between looking and resting.
        long nanos = ending ? 0 : step();
        // The source's code may park, and take the permit of a signal that comes meanwhile; so the
        // number of signals is looked at, right before each park.
        if (nanos == UNTIL_SIGNALLED) {
            while (signals.get() == seen && !ending) {
                LockSupport.park(this);
            }
        } else if (nanos > 0 && signals.get() == seen && !ending) {
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
            return failed(e);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private long failed(Throwable cause) {
        try {
            work.failed(cause);
        } catch (RuntimeException | Error _) {
            // Telling has failed too; the work is still there.
        }
        return AFTER_FAILURE_NANOS;
    }

    /** There may be work. */
    void signal() {
        if (resting.get() > 0) {
            signals.getAndIncrement();
            for (int i = 0; i < threads.size(); i++) {
                LockSupport.unpark(threads.get(i));
            }
        }
    }

    /**
     * Ends the threads, and waits for the pieces that they are doing.
     *
     * @param until when to wait no longer, as {@link System#nanoTime} counts
     * @return whether all have ended
     */
    boolean close(long until) {
        ending = true;
        threads.forEach(LockSupport::unpark);
        boolean ended = true;
        for (Thread thread : threads) {
            ended &= Joining.join(thread, until);
        }
        return ended;
    }
}
