// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes values one after the other, little-endian and without padding, into one buffer that grows.
 *
 * <p>For one thread. A value out of its range is a mistake of the caller and an {@link
 * IllegalArgumentException}.
 */
public final class StateWriter {

    static final ValueLayout.OfShort U16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private byte[] buffer = new byte[256];
    private MemorySegment segment = MemorySegment.ofArray(buffer);
    private int position;

    /** Creates a writer with nothing in it. */
    public StateWriter() {}

    /** Writes one byte, 0 to 255. */
    public StateWriter u8(int value) {
        requireRange(value, 0xFF);
        int at = advance(Byte.BYTES);
        buffer[at] = (byte) value;
        return this;
    }

    /** Writes two bytes, 0 to 65535. */
    public StateWriter u16(int value) {
        requireRange(value, 0xFFFF);
        int at = advance(Short.BYTES);
        segment.set(U16, at, (short) value);
        return this;
    }

    /** Writes four bytes. */
    public StateWriter i32(int value) {
        int at = advance(Integer.BYTES);
        segment.set(I32, at, value);
        return this;
    }

    /** Writes eight bytes. */
    public StateWriter i64(long value) {
        int at = advance(Long.BYTES);
        segment.set(I64, at, value);
        return this;
    }

    /** Writes a truth value as one byte, 0 or 1. */
    public StateWriter flag(boolean value) {
        return u8(value ? 1 : 0);
    }

    /** Writes bytes, their number in four bytes ahead of them. */
    public StateWriter bytes(Bytes value) {
        i32(value.length());
        return raw(value.shared());
    }

    /** Writes a text in UTF-8, its number of bytes in two bytes ahead of it. */
    public StateWriter text(String value) {
        byte[] encoded = value.getBytes(StandardCharsets.UTF_8);
        u16(encoded.length);
        return raw(encoded);
    }

    /** {@return what was written so far} */
    public Bytes toBytes() {
        return Bytes.wrap(Arrays.copyOf(buffer, position));
    }

    StateWriter raw(byte[] value) {
        int at = advance(value.length);
        System.arraycopy(value, 0, buffer, at, value.length);
        return this;
    }

    private int advance(int size) {
        int at = position;
        int end = Math.addExact(at, size);
        if (end > buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(end, buffer.length * 2));
            segment = MemorySegment.ofArray(buffer);
        }
        position = end;
        return at;
    }

    private static void requireRange(int value, int maximum) {
        if (value < 0 || value > maximum) {
            throw new IllegalArgumentException(
                    "%d is not within 0 to %d".formatted(value, maximum));
        }
    }
}
