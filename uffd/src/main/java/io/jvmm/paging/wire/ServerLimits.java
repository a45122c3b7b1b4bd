// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.time.Duration;

/**
 * What a {@link PageServer} grants.
 *
 * @param clients sessions at a time
 * @param bulkConnections of one session
 * @param opening how long a connection may take until it carries frames
 * @param silence how long the server waits for a whole frame, 100 ms to 10 minutes
 * @param compress whether to compress for clients that accept it
 */
public record ServerLimits(
        int clients, int bulkConnections, Duration opening, Duration silence, boolean compress) {

    /** 16 clients, 8 bulk connections each, 10 s, 10 s, no compression. */
    public static final ServerLimits DEFAULT =
            new ServerLimits(16, 8, Duration.ofSeconds(10), Duration.ofSeconds(10), false);

    /**
     * @throws IllegalArgumentException if a number is out of its range
     */
    public ServerLimits {
        if (clients < 1 || bulkConnections < 0) {
            throw new IllegalArgumentException("a server grants at least one client");
        }
        requireTime(opening);
        requireTime(silence);
    }

    static void requireTime(Duration time) {
        if (time.compareTo(Duration.ofMillis(Wire.MIN_SILENCE_MILLIS)) < 0
                || time.compareTo(Duration.ofMillis(Wire.MAX_SILENCE_MILLIS)) > 0) {
            throw new IllegalArgumentException("a limit of time is 100 ms to 10 min, not " + time);
        }
    }

    /** The same with other limits of time. */
    public ServerLimits withTimes(Duration newOpening, Duration newSilence) {
        return new ServerLimits(clients, bulkConnections, newOpening, newSilence, compress);
    }

    /** The same for another number of clients. */
    public ServerLimits withClients(int newClients) {
        return new ServerLimits(newClients, bulkConnections, opening, silence, compress);
    }

    /** The same with or without compression. */
    public ServerLimits withCompression(boolean newCompress) {
        return new ServerLimits(clients, bulkConnections, opening, silence, newCompress);
    }

    /** Connections that are open but not let in yet; strangers may hold no more. */
    int strangers() {
        return 16 + 4 * clients;
    }
}
