// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Ends what takes too long: connections that are silent, peers that do not read, attempts to
 * connect. One thread, which never reads or writes a socket itself, so nothing can hold it up.
 */
final class Watchdog implements AutoCloseable {

    private static final long TICK_MILLIS = 25;

    private final Set<FrameChannel> channels = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor timer;

    /** Something that happens unless it is closed in time. */
    interface Guard extends AutoCloseable {
        @Override
        void close();
    }

    Watchdog(String name) {
        timer = new ScheduledThreadPoolExecutor(1, Wire.thread(name).factory());
        timer.setRemoveOnCancelPolicy(true);
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        ScheduledFuture<?> _ =
                timer.scheduleWithFixedDelay(
                        this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void tick() {
        long now = System.nanoTime();
        for (FrameChannel channel : channels) {
            watch(channel, now);
        }
    }

    // The timer would never call again.
    @SuppressWarnings("CatchingUnchecked")
    private static void watch(FrameChannel channel, long now) {
        try {
            channel.watch(now);
        } catch (RuntimeException | Error _) {
            // The next tick finds it the same, and tries once more.
        }
    }

    void add(FrameChannel channel) {
        channels.add(channel);
    }

    void remove(FrameChannel channel) {
        channels.remove(channel);
    }

    /** Ends what still says nothing a second from now: the owner is about to close. */
    void endAll() {
        for (FrameChannel channel : channels) {
            channel.abort(new WireException(Refusal.CLOSING, "this side is shutting down"));
        }
    }

    /** How many connections are watched. */
    int watched() {
        return channels.size();
    }

    /**
     * Does something after a while.
     *
     * @param action short, without waiting
     */
    Guard guard(Duration after, Runnable action) {
        try {
            ScheduledFuture<?> due = timer.schedule(action, after.toNanos(), TimeUnit.NANOSECONDS);
            return () -> due.cancel(false);
        } catch (RejectedExecutionException e) {
            // Closed: nobody has time left.
            action.run();
            return () -> {};
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
