// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Packed bytes that decoders can look ahead in, so that each takes its own and leaves what follows
 * to the next. For one thread.
 */
public final class PackedInput extends InputStream {

    private static final int BUFFER = 1 << 16;

    private final InputStream in;
    private final byte[] buffer = new byte[BUFFER];
    private int from;
    private int to;
    private long position;

    /** The bytes of {@code in}, which need not be buffered and is not closed. */
    public PackedInput(InputStream in) {
        this.in = in;
    }

    /** How many bytes were taken so far. */
    public long position() {
        return position;
    }

    /** A copy of the next bytes, which are not taken: {@code length} of them, or all there are. */
    public byte[] ahead(int length) throws IOException {
        while (to - from < length && more()) {}
        return Arrays.copyOfRange(buffer, from, Math.min(to, from + length));
    }

    /** Takes zero bytes, and says whether anything follows them. */
    public boolean skipZeros() throws IOException {
        while (from < to || more()) {
            if (buffer[from] != 0) {
                return true;
            }
            take(1);
        }
        return false;
    }

    /** The array that holds the next bytes, from index {@link #start} to {@link #end}. */
    byte[] array() {
        return buffer;
    }

    int start() {
        return from;
    }

    /** See {@link #array}; at least one byte is there unless the input is at its end. */
    int end() throws IOException {
        if (from == to) {
            more();
        }
        return to;
    }

    /** Takes {@code count} bytes that are in {@link #array}. */
    void take(int count) {
        from += count;
        position += count;
    }

    /** The next byte, which must be there. */
    int next() throws IOException {
        int value = read();
        if (value < 0) {
            throw new EOFException("it is truncated");
        }
        return value;
    }

    /** Fills {@code target[offset, offset+count)}. */
    void fill(byte[] target, int offset, int count) throws IOException {
        if (readNBytes(target, offset, count) < count) {
            throw new EOFException("it is truncated");
        }
    }

    @Override
    public int read() throws IOException {
        if (from == to && !more()) {
            return -1;
        }
        position++;
        return Byte.toUnsignedInt(buffer[from++]);
    }

    @Override
    public int read(byte[] target, int offset, int count) throws IOException {
        if (count == 0) {
            return 0;
        }
        if (from == to && count >= BUFFER) {
            int direct = in.read(target, offset, count);
            position += Math.max(0, direct);
            return direct;
        }
        if (from == to && !more()) {
            return -1;
        }
        int taken = Math.min(count, to - from);
        System.arraycopy(buffer, from, target, offset, taken);
        take(taken);
        return taken;
    }

    @Override
    public int available() throws IOException {
        return to - from + in.available();
    }

    /** Reads on, behind what is left in the buffer. */
    private boolean more() throws IOException {
        if (from > 0) {
            System.arraycopy(buffer, from, buffer, 0, to - from);
            to -= from;
            from = 0;
        }
        int count = to < BUFFER ? in.read(buffer, to, BUFFER - to) : -1;
        to += Math.max(0, count);
        return count > 0;
    }
}
