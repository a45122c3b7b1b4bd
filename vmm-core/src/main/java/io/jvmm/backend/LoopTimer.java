// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import java.time.Duration;

/** A timer of a client of the {@link EventLoop}: it fires once each time that it is set. */
public final class LoopTimer extends Registration {

    /** Later than this is as good as never, and keeps sums within {@code long}. */
    private static final long LONGEST = Long.MAX_VALUE / 4;

    private final Runnable action;

    // Guarded by the thread's lock.
    long due;
    int place = -1;

    LoopTimer(LoopClient client, LoopThread thread, Runnable action) {
        super(client, thread);
        this.action = action;
    }

    /**
     * Sets the timer anew; what it was set to before is forgotten. It fires at most about a
     * millisecond late on an idle host, and never early. Does nothing once this is closed.
     */
    public void set(Duration delay) {
        long nanos = delay.compareTo(Duration.ofNanos(LONGEST)) > 0 ? LONGEST : delay.toNanos();
        setNanos(nanos);
    }

    /** As {@link #set}, in nanoseconds, without an object. */
    public void setNanos(long nanos) {
        thread.set(this, System.nanoTime() + Math.clamp(nanos, 0, LONGEST));
    }

    /** Takes back what {@link #set} asked for, unless the action has begun. */
    public void cancel() {
        thread.cancel(this);
    }

    @Override
    void run(int events) {
        action.run();
    }

    @Override
    void detach() {
        thread.cancel(this);
    }
}
