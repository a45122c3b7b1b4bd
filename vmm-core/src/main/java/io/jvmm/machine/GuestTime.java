// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.util.function.LongSupplier;

/**
 * The nanoseconds that pass for a guest, from an arbitrary start: those of {@link System#nanoTime},
 * less the pauses that it is not to see. For devices that count time. Thread-safe.
 */
final class GuestTime implements LongSupplier {

    private final LongSupplier host;

    // Guarded by this.
    private long hidden;
    private long stoppedAt;
    private boolean stopped;

    GuestTime(LongSupplier host) {
        this.host = host;
    }

    @Override
    public synchronized long getAsLong() {
        return (stopped ? stoppedAt : host.getAsLong()) - hidden;
    }

    /** Stands still from now on. */
    synchronized void stop() {
        if (!stopped) {
            stoppedAt = host.getAsLong();
            stopped = true;
        }
    }

    /** Goes on, with the time that has passed meanwhile. */
    synchronized void catchUp() {
        stopped = false;
    }

    /** Goes on from where it stood. */
    synchronized void go() {
        if (stopped) {
            hidden += host.getAsLong() - stoppedAt;
            stopped = false;
        }
    }
}
