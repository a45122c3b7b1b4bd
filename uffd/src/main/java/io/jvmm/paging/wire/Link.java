// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A stream of bytes in both directions. One thread reads while one other writes; any thread closes,
 * which ends both.
 */
interface Link extends AutoCloseable {

    /** Both buffers of a read, empty ones included, may be this. */
    ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /**
     * Waits for bytes, and puts them into the first buffer until it is full, then into the second.
     *
     * @return how many, at least 1; -1 at the end of the stream
     */
    int read(ByteBuffer first, ByteBuffer second) throws IOException;

    /** Writes all of the first buffer, then all of the second. */
    void write(ByteBuffer first, ByteBuffer second) throws IOException;

    /** Says that nothing more will be written, as far as the transport can say so. */
    void shutdownOutput() throws IOException;

    /**
     * The host at the other end of a connection that has come in, to count what it has open; empty
     * if all come from this host.
     */
    default String host() {
        return "";
    }

    /** Who is at the other end, for messages. */
    String peer();

    /** Ends both directions at once, also for threads that wait in them. */
    @Override
    void close();
}
