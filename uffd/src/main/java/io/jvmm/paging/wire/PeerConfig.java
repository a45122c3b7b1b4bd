// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.time.Duration;

/**
 * How a {@link PeerPageSource} behaves.
 *
 * @param bulkConnections besides the one for urgent pages; 0 to 64
 * @param compress whether compressed pages are welcome: on links slower than about 1 Gbit/s
 * @param pushWindow bytes per bulk connection that the server may send unasked; 0 for none, else 2
 *     MiB to 1 GiB
 * @param opening how long a connection may take until it carries frames
 * @param silence how long to wait for a whole frame, 100 ms to 10 minutes
 * @param firstRetry pause after the first failure; it doubles with each further one
 * @param lastRetry the longest pause
 * @param finishWhenInstalled whether to tell the server that all is done as soon as every page is
 *     installed; otherwise with {@link PeerPageSource#finish}
 */
public record PeerConfig(
        int bulkConnections,
        boolean compress,
        long pushWindow,
        Duration opening,
        Duration silence,
        Duration firstRetry,
        Duration lastRetry,
        boolean finishWhenInstalled) {

    /**
     * Two bulk connections, no compression, nothing pushed, 10 s, 10 s, pauses of 50 ms to 2 s,
     * done when installed.
     */
    public static final PeerConfig DEFAULT =
            new PeerConfig(
                    2,
                    false,
                    0,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(10),
                    Duration.ofMillis(50),
                    Duration.ofSeconds(2),
                    true);

    /**
     * @throws IllegalArgumentException if a number is out of its range
     */
    public PeerConfig {
        if (bulkConnections < 0 || bulkConnections > 64) {
            throw new IllegalArgumentException("0 to 64 bulk connections");
        }
        if (pushWindow != 0 && (pushWindow < Wire.MAX_REQUEST || pushWindow > Wire.MAX_WINDOW)) {
            throw new IllegalArgumentException("a window of 2 MiB to 1 GiB, or 0");
        }
        ServerLimits.requireTime(opening);
        ServerLimits.requireTime(silence);
        if (firstRetry.isNegative() || firstRetry.isZero() || lastRetry.compareTo(firstRetry) < 0) {
            throw new IllegalArgumentException("pauses of more than nothing");
        }
    }

    /** The same with other numbers of connections. */
    public PeerConfig withBulkConnections(int connections) {
        return new PeerConfig(
                connections,
                compress,
                pushWindow,
                opening,
                silence,
                firstRetry,
                lastRetry,
                finishWhenInstalled);
    }

    /** The same with or without compression. */
    public PeerConfig withCompression(boolean newCompress) {
        return new PeerConfig(
                bulkConnections,
                newCompress,
                pushWindow,
                opening,
                silence,
                firstRetry,
                lastRetry,
                finishWhenInstalled);
    }

    /** The same with another window. */
    public PeerConfig withPushWindow(long bytes) {
        return new PeerConfig(
                bulkConnections,
                compress,
                bytes,
                opening,
                silence,
                firstRetry,
                lastRetry,
                finishWhenInstalled);
    }

    /** The same with other limits of time. */
    public PeerConfig withTimes(Duration newOpening, Duration newSilence) {
        return new PeerConfig(
                bulkConnections,
                compress,
                pushWindow,
                newOpening,
                newSilence,
                firstRetry,
                lastRetry,
                finishWhenInstalled);
    }

    /** The same, telling that all is done only with {@link PeerPageSource#finish}. */
    public PeerConfig withExplicitFinish() {
        return new PeerConfig(
                bulkConnections,
                compress,
                pushWindow,
                opening,
                silence,
                firstRetry,
                lastRetry,
                false);
    }
}
