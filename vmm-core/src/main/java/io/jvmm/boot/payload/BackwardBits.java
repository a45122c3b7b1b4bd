// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/**
 * A Zstandard bit stream that is read from its end: the last byte's highest set bit marks the end,
 * and values are taken from below it, downwards (RFC 8878, 4.1).
 *
 * <p>A position is the number of a bit, counted from the start of the array; it goes down to {@link
 * #floor}. Reading is one unaligned load, so the array must go on for eight bytes behind the
 * stream.
 */
final class BackwardBits {

    private final byte[] bytes;
    private final int floor;
    private int position;

    /**
     * The stream in {@code bytes[start, end)}.
     *
     * @throws PayloadException if it is empty or has no end mark
     */
    BackwardBits(byte[] bytes, int start, int end) throws PayloadException {
        this.bytes = bytes;
        this.floor = start * 8;
        this.position = top(bytes, start, end);
    }

    /** Position directly below the end mark of the stream {@code bytes[start, end)}. */
    static int top(byte[] bytes, int start, int end) throws PayloadException {
        if (start >= end || bytes[end - 1] == 0) {
            throw new PayloadException("a bit stream has no end mark");
        }
        int last = Byte.toUnsignedInt(bytes[end - 1]);
        return (end - 1) * 8 + 31 - Integer.numberOfLeadingZeros(last);
    }

    /** The {@code count} bits from {@code position} up; {@code count} is 0 to 32. */
    static int bitsAt(byte[] bytes, int position, int count) {
        long loaded = LittleEndian.i64(bytes, position >>> 3) >>> (position & 7);
        return (int) (loaded & ((1L << count) - 1));
    }

    /** Takes {@code count} bits, 0 to 32. Past the floor it gives zeros, see {@link #overrun}. */
    int take(int count) {
        position -= count;
        if (position < floor) {
            return takeAcrossFloor(count);
        }
        return bitsAt(bytes, position, count);
    }

    private int takeAcrossFloor(int count) {
        int missing = floor - position;
        if (missing >= count) {
            return 0;
        }
        return bitsAt(bytes, floor, count - missing) << missing;
    }

    /** Whether more bits were taken than the stream has. */
    boolean overrun() {
        return position < floor;
    }

    /** Whether all bits were taken, and none beyond. */
    boolean exhausted() {
        return position == floor;
    }
}
