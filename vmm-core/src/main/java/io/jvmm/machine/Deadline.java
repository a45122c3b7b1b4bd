package io.jvmm.machine;

import java.time.Duration;

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

    /** The moment that is so far away from now. */
    static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** Waits to the end or to this moment. An interrupt is kept for the caller. */
    boolean await(Wait wait) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    Duration left = Duration.ofNanos(end - System.nanoTime());
                    return wait.within(left.isNegative() ? Duration.ZERO : left);
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
}
