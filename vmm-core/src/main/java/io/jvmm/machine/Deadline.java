// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A moment until which some waits may last, all together, whatever interrupts them. */
final class Deadline {

    /** Waits for something; returns whether it came about in the time left. */
    interface Wait {
        boolean within(Duration left) throws InterruptedException;
    }

    private final long end;

    private Deadline(long end) {
        this.end = end;
    }

    /** The moment that is so far away from now; one that is already over is allowed. */
    static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + saturated(time));
    }

    private static long saturated(Duration time) {
        // Half of what nanoTime can tell apart: some 146 years.
        Duration longest = Duration.ofNanos(Long.MAX_VALUE / 2);
        return (time.compareTo(longest) > 0 ? longest : time).toNanos();
    }

    /** This moment, or one that is so far away from now, whichever comes first. */
    Deadline atMost(Duration time) {
        return new Deadline(System.nanoTime() + Math.min(end - System.nanoTime(), saturated(time)));
    }

    /** How long it is until then; zero when it is over. */
    Duration left() {
        long nanos = end - System.nanoTime();
        return nanos > 0 ? Duration.ofNanos(nanos) : Duration.ZERO;
    }

    /** Whether the moment has come. */
    boolean isOver() {
        return end - System.nanoTime() <= 0;
    }

    /** Waits to the end or to this moment. An interrupt is kept for the caller. */
    boolean await(Wait wait) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.within(left());
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Waits until a future is done, in whatever way; returns whether it is. */
    boolean await(CompletableFuture<?> future) {
        return await(left -> {
            try {
                future.get(left.toNanos(), TimeUnit.NANOSECONDS);
                return true;
            } catch (ExecutionException e) {
                return true;
            } catch (TimeoutException e) {
                return false;
            }
        });
    }
}
