package io.jvmm.boot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads of little-endian numbers and of text at offsets into a piece of a file. */
final class Bytes {

    private final ByteBuffer buffer;

    Bytes(byte[] bytes) {
        buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    byte[] array() {
        return buffer.array();
    }

    int size() {
        return buffer.capacity();
    }

    int u8(int offset) {
        return Byte.toUnsignedInt(buffer.get(offset));
    }

    int u16(int offset) {
        return Short.toUnsignedInt(buffer.getShort(offset));
    }

    /** The 16-bit number at {@code offset}, most significant byte first. */
    int u16BigEndian(int offset) {
        return u8(offset) << 8 | u8(offset + 1);
    }

    long u32(int offset) {
        return Integer.toUnsignedLong(buffer.getInt(offset));
    }

    long i64(int offset) {
        return buffer.getLong(offset);
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
        int end = offset;
        while (end < size() && end - offset < limit && u8(end) >= ' ' && u8(end) < 0x7F) {
            end++;
        }
        return new String(buffer.array(), offset, end - offset, StandardCharsets.US_ASCII);
    }
}
