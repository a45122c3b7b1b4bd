// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * When a connection has carried something last, and whether it takes too long. Its reader and its
 * writers note what they do; the watchdog judges.
 *
 * <p>The limit is for a whole frame, so bytes that trickle do not help a peer.
 */
final class Liveness {

    // What the peer has sent may say why it takes no more: the reader gets a moment to see it.
    private static final long BROKEN_NANOS = TimeUnit.SECONDS.toNanos(1);

    // In System.nanoTime's terms.
    private volatile long silenceNanos;
    private volatile long pingNanos = Long.MAX_VALUE;
    private volatile long lastReceived;
    private volatile long lastSent;
    private volatile long writeStarted;
    private volatile boolean isWriting;
    private volatile boolean isBroken;
    private volatile long brokenSince;

    /**
     * @param opening how long the handshake may take, from now, in all
     */
    Liveness(Duration opening) {
        silenceNanos = opening.toNanos();
        lastReceived = System.nanoTime();
        lastSent = lastReceived;
    }

    /**
     * Both sides have said what they bear.
     *
     * @param ours how long this side waits for a frame
     * @param theirs how long the peer does
     */
    void establish(Duration ours, Duration theirs) {
        pingNanos = theirs.toNanos() / 4;
        lastReceived = System.nanoTime();
        silenceNanos = ours.toNanos();
    }

    /** A whole frame has come. */
    void received() {
        lastReceived = System.nanoTime();
    }

    void beginWrite() {
        writeStarted = System.nanoTime();
        isWriting = true;
    }

    void written() {
        lastSent = System.nanoTime();
    }

    void endWrite() {
        isWriting = false;
    }

    /** The peer takes nothing any more. */
    void broken() {
        if (!isBroken) {
            brokenSince = System.nanoTime();
            isBroken = true;
        }
    }

    /** How often the peer must hear something, so that it never has to bear silence. */
    long pingNanos() {
        return pingNanos;
    }

    /** Whether nothing was sent for so long that the peer may wonder. */
    boolean isPingDue() {
        return System.nanoTime() - lastSent >= pingNanos;
    }

    /** Why the connection is to end; null if it need not. */
    @Nullable WireException judge(long now) {
        long limit = silenceNanos;
        if (now - lastReceived > limit) {
            return silent("no whole frame for", limit);
        }
        if (isWriting && now - writeStarted > limit) {
            return silent("reads nothing for", limit);
        }
        return isBroken && now - brokenSince > BROKEN_NANOS
                ? new WireException(Refusal.LOST, "the peer has closed its side")
                : null;
    }

    private static WireException silent(String what, long nanos) {
        return new WireException(
                Refusal.SILENT, "%s %d ms".formatted(what, TimeUnit.NANOSECONDS.toMillis(nanos)));
    }
}
