// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Reads what a {@link StateWriter} wrote. It trusts nothing: every length is checked against a
 * limit and against what is there before anything is allocated.
 *
 * <p>For one thread. All methods throw {@link StateException} on a value that cannot be.
 */
public final class StateReader {

    private final String what;
    private final byte[] buffer;
    private final MemorySegment segment;
    private final int end;
    private int position;

    /**
     * Creates a reader.
     *
     * @param what is read, for messages
     * @param content to be read from its start to its end
     */
    public StateReader(String what, Bytes content) {
        this(what, content.shared(), 0, content.length());
    }

    StateReader(String what, byte[] buffer, int start, int end) {
        this.what = what;
        this.buffer = buffer;
        this.segment = MemorySegment.ofArray(buffer);
        this.position = start;
        this.end = end;
    }

    /** {@return one byte, 0 to 255} */
    public int u8() {
        return buffer[advance(Byte.BYTES)] & 0xFF;
    }

    /** {@return two bytes, 0 to 65535} */
    public int u16() {
        return segment.get(StateWriter.U16, advance(Short.BYTES)) & 0xFFFF;
    }

    /** {@return four bytes} */
    public int i32() {
        return segment.get(StateWriter.I32, advance(Integer.BYTES));
    }

    /** {@return eight bytes} */
    public long i64() {
        return segment.get(StateWriter.I64, advance(Long.BYTES));
    }

    /** {@return a truth value; a byte other than 0 and 1 is refused} */
    public boolean flag() {
        int value = u8();
        if (value > 1) {
            throw broken("%d is no truth value".formatted(value));
        }
        return value == 1;
    }

    /**
     * Reads a number of things that follow.
     *
     * @param limit the largest number that can be
     * @return 0 to {@code limit}
     */
    public int count(int limit) {
        int value = i32();
        if (value < 0 || value > limit) {
            throw broken(
                    "a count of %d exceeds %d".formatted(Integer.toUnsignedLong(value), limit));
        }
        return value;
    }

    /**
     * Reads bytes.
     *
     * @param limit the largest number of them that can be
     */
    public Bytes bytes(int limit) {
        return raw(count(limit));
    }

    /**
     * Reads a text.
     *
     * @param limit the largest number of bytes in UTF-8 that can be
     */
    public String text(int limit) {
        int length = u16();
        if (length > limit) {
            throw broken("a text of %d bytes exceeds %d".formatted(length, limit));
        }
        int at = advance(length);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(buffer, at, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new StateException(what + ": a text is not UTF-8", e);
        }
    }

    /** {@return how many bytes have not been read} */
    public int remaining() {
        return end - position;
    }

    /** Refuses bytes that nobody read: they would be state that is silently lost. */
    public void finish() {
        if (remaining() != 0) {
            throw broken("%d bytes are left over".formatted(remaining()));
        }
    }

    Bytes raw(int length) {
        int at = advance(length);
        return Bytes.wrap(Arrays.copyOfRange(buffer, at, at + length));
    }

    StateException broken(String reason) {
        return new StateException(what + ": " + reason);
    }

    private int advance(int size) {
        if (size > remaining()) {
            throw broken("ends after %d bytes where %d more are due".formatted(position, size));
        }
        int at = position;
        position = at + size;
        return at;
    }
}
