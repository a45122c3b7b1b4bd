// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** The connections of one session. They end together, for the reason of the first that does. */
final class ChannelGroup {

    private final List<FrameChannel> channels = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable WireException> end = new AtomicReference<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Adds a connection; ends it at once if the session has ended. */
    void add(FrameChannel channel) {
        channels.add(channel);
        WireException why = end.get();
        if (why != null) {
            channel.abort(why);
        }
    }

    /** Ends the session. Only the first call counts. Does not wait. */
    void end(WireException why) {
        if (end.compareAndSet(null, why)) {
            for (FrameChannel channel : channels) {
                // Each of its own: telling a stuck peer may take a moment.
                channel.abortLater(why);
            }
            ended.countDown();
        }
    }

    /** Why the session has ended; null while it has not. */
    @Nullable WireException reason() {
        return end.get();
    }

    boolean hasEnded() {
        return ended.getCount() == 0;
    }

    /** Keeps the peer from wondering, until the session ends. For a thread of its own. */
    void keepAlive() {
        try {
            long pause = TimeUnit.MILLISECONDS.toNanos(Wire.MIN_SILENCE_MILLIS) / 8;
            while (!ended.await(pause, TimeUnit.NANOSECONDS)) {
                long least = TimeUnit.SECONDS.toNanos(1);
                for (FrameChannel channel : channels) {
                    channel.pingIfIdle();
                    least = Math.min(least, channel.pingNanos());
                }
                pause = Math.max(least / 2, TimeUnit.MILLISECONDS.toNanos(5));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (WireException e) {
            // That connection's reader sees the same, and ends the session with the reason.
        }
    }
}
