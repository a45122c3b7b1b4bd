package io.jvmm.boot;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;

/**
 * The bytes of a file, read on demand. Never mapped: a file that shrinks under a mapping faults,
 * one that is read comes up short, which is an ordinary error.
 */
sealed interface ByteSource extends AutoCloseable permits FileSource, SegmentSource {

    /** What to call it in messages: the path as the user gave it. */
    String name();

    /** Size in bytes, when it was opened. */
    long size();

    /**
     * Fills {@code target} with the bytes from {@code offset} on, which lie within {@link #size}.
     *
     * @throws BootException if they cannot be read, or are there no more
     */
    void read(long offset, MemorySegment target);

    /** A copy of {@code length} bytes from {@code offset} on, which lie within {@link #size}. */
    default byte[] bytes(long offset, int length) {
        byte[] bytes = new byte[length];
        read(offset, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /** A copy of the first bytes: {@code length} of them, or all if there are fewer. */
    default byte[] head(int length) {
        return bytes(0, (int) Math.min(length, size()));
    }

    /** The bytes [offset, offset+length), which lie within {@link #size}, as a stream. */
    default InputStream stream(long offset, long length) {
        return new SourceStream(this, offset, length);
    }

    @Override
    void close();
}
