// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;

/**
 * Connections that have not proved themselves. There are so many of them at most, and so many of
 * one host; of too many the oldest is turned away, because it has had the most time. Thread-safe.
 */
final class Strangers {

    private final int most;
    private final int mostOfHost;
    // Those that were turned away and have not gone yet count, too.
    private final Semaphore room;

    // Guarded by this. The oldest first.
    private final Deque<FrameChannel> waiting = new ArrayDeque<>();

    /**
     * @param most how many at a time
     */
    Strangers(int most) {
        this.most = most;
        mostOfHost = Math.max(1, most / 2);
        room = new Semaphore(4 * most);
    }

    /** Whether another connection may come in; if so, {@link #gone} follows in any case. */
    boolean admit() {
        return room.tryAcquire();
    }

    /** A connection that was admitted is over, or is no stranger any more. */
    void gone() {
        room.release();
    }

    /** A connection waits to prove itself. Turns the oldest away if there are too many. */
    void enter(FrameChannel channel) {
        FrameChannel oldest;
        synchronized (this) {
            waiting.addLast(channel);
            oldest = tooMany(channel.host());
            if (oldest != null) {
                waiting.remove(oldest);
            }
        }
        if (oldest != null) {
            oldest.abortLater(
                    new WireException(
                            Refusal.BUSY, "too many connections have not proved themselves"));
        }
    }

    private @Nullable FrameChannel tooMany(String host) {
        FrameChannel oldestOfHost = null;
        int ofHost = 0;
        for (FrameChannel channel : waiting) {
            if (channel.host().equals(host)) {
                oldestOfHost = oldestOfHost == null ? channel : oldestOfHost;
                ofHost++;
            }
        }
        if (!host.isEmpty() && ofHost > mostOfHost) {
            return oldestOfHost;
        }
        return waiting.size() > most ? waiting.peekFirst() : null;
    }

    /** It has proved itself, or is gone. */
    synchronized void leave(FrameChannel channel) {
        waiting.remove(channel);
    }
}
