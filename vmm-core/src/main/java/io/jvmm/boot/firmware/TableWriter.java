// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes of a firmware table, written front to back in little-endian order; it grows as needed. */
final class TableWriter {

    private ByteBuffer buffer = allocate(512);

    private static ByteBuffer allocate(int capacity) {
        return ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }

    private ByteBuffer room(int count) {
        if (buffer.remaining() < count) {
            ByteBuffer larger = allocate(2 * (buffer.capacity() + count));
            buffer = larger.put(buffer.flip());
        }
        return buffer;
    }

    int size() {
        return buffer.position();
    }

    TableWriter u8(int value) {
        room(1).put((byte) value);
        return this;
    }

    TableWriter u16(int value) {
        room(2).putShort((short) value);
        return this;
    }

    TableWriter u32(long value) {
        room(4).putInt((int) value);
        return this;
    }

    TableWriter u64(long value) {
        room(8).putLong(value);
        return this;
    }

    TableWriter zeros(int count) {
        room(count).put(new byte[count]);
        return this;
    }

    TableWriter bytes(byte[] bytes) {
        room(bytes.length).put(bytes);
        return this;
    }

    /** Text filled up with blanks to {@code length} bytes. */
    TableWriter text(String text, int length) {
        byte[] padded = new byte[length];
        Arrays.fill(padded, (byte) ' ');
        byte[] ascii = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(ascii, 0, padded, 0, ascii.length);
        return bytes(padded);
    }

    /** A copy of what was written. */
    byte[] toBytes() {
        byte[] bytes = new byte[size()];
        buffer.get(0, bytes);
        return bytes;
    }

    /** Sets the byte at {@code at} so that those of {@code [from, to)} add up to 0 modulo 256. */
    static void checksum(byte[] table, int from, int to, int at) {
        table[at] = 0;
        int sum = 0;
        for (int i = from; i < to; i++) {
            sum += table[i];
        }
        table[at] = (byte) -sum;
    }
}
