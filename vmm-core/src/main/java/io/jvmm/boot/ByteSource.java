// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The bytes of a file, read on demand. Never mapped: a file that shrinks under a mapping faults,
 * one that is read comes up short, which is an ordinary error.
 */
sealed interface ByteSource extends AutoCloseable
        permits FileSource, SegmentSource, SliceSource, UnpackedSource {

    /** What to call it in messages: the path as the user gave it. */
    String name();

    /** Size in bytes, when it was opened. */
    long size();

    /**
     * Fills {@code target} with the bytes from {@code offset} on.
     *
     * @param offset any number, as a file's headers may give it
     * @throws BootException if they lie outside the file or cannot be read
     */
    default void read(long offset, MemorySegment target) {
        check(offset, target.byteSize());
        readWithin(offset, target);
    }

    /**
     * Fills all targets; the cheapest way to read several pieces, in any order.
     *
     * @throws BootException as {@link #read} does
     */
    default void readAll(List<Piece> pieces) {
        pieces.forEach(piece -> read(piece.offset(), piece.target()));
    }

    /** Whether reading back is expensive, so that pieces should be read together. */
    default boolean isSequential() {
        return false;
    }

    /**
     * Checks, after the last piece was read, what can only be known once all was read.
     *
     * @throws BootException if the file is corrupt
     */
    default void finish() {}

    /** As {@link #read}; the bytes lie within {@link #size}. */
    void readWithin(long offset, MemorySegment target);

    /** Whether the bytes [offset, offset+length) lie within {@link #size}. */
    default boolean has(long offset, long length) {
        return offset >= 0 && length >= 0 && length <= size() && offset <= size() - length;
    }

    /**
     * Checks a range that a file's headers give.
     *
     * @throws BootException if it reaches outside the file
     */
    default void check(long offset, long length) {
        if (!has(offset, length)) {
            throw new BootException(
                    "File %s is truncated or corrupt: 0x%x bytes at 0x%x are not in its %s"
                            .formatted(name(), length, offset, Sizes.describe(size())));
        }
    }

    /**
     * A copy of {@code length} bytes from {@code offset} on.
     *
     * @throws BootException as {@link #read} does
     */
    default byte[] bytes(long offset, int length) {
        check(offset, length); // before anything is allocated for it
        byte[] bytes = new byte[length];
        read(offset, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /** A copy of the first bytes: {@code length} of them, or all if there are fewer. */
    default byte[] head(int length) {
        return bytes(0, (int) Math.min(length, size()));
    }

    /**
     * Fields at offsets into a piece of the file.
     *
     * @throws BootException as {@link #read} does
     */
    default Bytes fields(long offset, int length) {
        return new Bytes(name(), bytes(offset, length));
    }

    /**
     * The bytes [offset, offset+length) as a stream.
     *
     * @throws BootException if they lie outside the file
     */
    default InputStream stream(long offset, long length) {
        check(offset, length);
        return new SourceStream(this, offset, length);
    }

    @Override
    void close();
}
