// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Reads of little-endian numbers and of text at offsets into a piece of a file. An offset outside
 * the piece is the file's fault, whatever it came from: a {@link BootException}.
 */
final class Bytes {

    private final String name;
    private final ByteBuffer buffer;

    /**
     * A piece of a file.
     *
     * @param name what to call the file in messages
     */
    Bytes(String name, byte[] bytes) {
        this.name = name;
        buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    byte[] array() {
        return buffer.array();
    }

    int size() {
        return buffer.capacity();
    }

    int u8(int offset) {
        return Byte.toUnsignedInt(buffer.get(checked(offset, Byte.BYTES)));
    }

    int u16(int offset) {
        return Short.toUnsignedInt(buffer.getShort(checked(offset, Short.BYTES)));
    }

    /** The 16-bit number at {@code offset}, most significant byte first. */
    int u16BigEndian(int offset) {
        return u8(offset) << 8 | u8(offset + 1);
    }

    long u32(int offset) {
        return Integer.toUnsignedLong(buffer.getInt(checked(offset, Integer.BYTES)));
    }

    long i64(int offset) {
        return buffer.getLong(checked(offset, Long.BYTES));
    }

    private int checked(int offset, int length) {
        if (offset < 0 || offset > size() - length) {
            throw new BootException(
                    "File %s is truncated or corrupt: one of its structures ends before offset 0x%x"
                            .formatted(name, offset));
        }
        return offset;
    }

    /** Whether the bytes at {@code offset} are these characters; not if the piece ends before. */
    boolean has(int offset, String latin1) {
        if (offset < 0 || offset > size() - latin1.length()) {
            return false;
        }
        for (int i = 0; i < latin1.length(); i++) {
            if (u8(offset + i) != latin1.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /**
     * The printable ASCII text at {@code offset}: up to the first other byte, the end, or {@code
     * limit} characters. Safe to show, whatever the file holds.
     */
    String text(int offset, int limit) {
        int end = checked(offset, 0);
        while (end < size() && end - offset < limit && u8(end) >= ' ' && u8(end) < 0x7F) {
            end++;
        }
        return new String(buffer.array(), offset, end - offset, StandardCharsets.US_ASCII);
    }
}
