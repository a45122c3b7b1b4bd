// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Room for the messages of one {@link Userfaultfd#tryRead}, used again for the next. For one thread
 * at a time.
 */
public final class FaultMessages {

    private final MemorySegment buffer;
    private final FaultMessage message;
    private int count;

    /**
     * @param capacity the most messages that one read takes, 1 to 65536
     */
    public FaultMessages(int capacity) {
        if (capacity < 1 || capacity > 1 << 16) {
            throw new IllegalArgumentException("a read takes 1 to 65536 messages, not " + capacity);
        }
        // Lives as long as this object: a thread that gives up its reader need not close anything.
        buffer = Arena.ofAuto().allocate(capacity * Layout.MESSAGE_BYTES, Long.BYTES);
        message = new FaultMessage(buffer);
    }

    /** The most messages that one read takes. */
    public int capacity() {
        return (int) (buffer.byteSize() / Layout.MESSAGE_BYTES);
    }

    /** How many messages the last read has brought. */
    public int count() {
        return count;
    }

    /**
     * One of the messages of the last read, in the order of arrival.
     *
     * @return always the same object, which shows another message from the next call on
     * @throws IndexOutOfBoundsException if the last read did not bring that many
     */
    public FaultMessage at(int index) {
        return message.at(Objects.checkIndex(index, count) * Layout.MESSAGE_BYTES);
    }

    MemorySegment buffer() {
        return buffer;
    }

    void filled(int messages) {
        count = messages;
    }
}
