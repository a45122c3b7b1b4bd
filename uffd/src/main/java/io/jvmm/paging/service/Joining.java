// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

/** Waiting for threads to end, for a limited time, whatever interrupts come. */
final class Joining {

    private Joining() {}

    /**
     * Waits for a thread to end; for the calling thread itself, does not wait.
     *
     * @param until when to give up, as {@link System#nanoTime} counts
     * @return whether it has ended, or has never begun
     */
    static boolean join(Thread thread, long until) {
        boolean interrupted = false;
        long left = until - System.nanoTime();
        while (thread.isAlive() && left > 0 && !Thread.currentThread().equals(thread)) {
            try {
                thread.join(Math.max(1, left / 1_000_000));
            } catch (InterruptedException e) {
                interrupted = true;
            }
            left = until - System.nanoTime();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }
}
