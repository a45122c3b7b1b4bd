// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.io.InputStream;
import java.lang.foreign.MemorySegment;

/**
 * Part of a source as a stream. Buffered, and without the lock of {@link
 * java.io.BufferedInputStream}, since range decoders take one byte at a time. For one thread.
 */
final class SourceStream extends InputStream {

    private static final int BUFFER = 1 << 16;

    private final ByteSource source;
    private final long end;
    private final byte[] buffer;
    private long offset;
    private int position;
    private int filled;

    /** The bytes [offset, offset+length) of {@code source}. */
    SourceStream(ByteSource source, long offset, long length) {
        this.source = source;
        this.offset = offset;
        this.end = offset + length;
        this.buffer = new byte[(int) Math.min(BUFFER, length)];
    }

    @Override
    public int read() {
        return position < filled || fill() ? Byte.toUnsignedInt(buffer[position++]) : -1;
    }

    @Override
    public int read(byte[] target, int from, int count) {
        if (count == 0) {
            return 0;
        }
        if (position == filled && count >= BUFFER && offset < end) {
            int direct = (int) Math.min(count, end - offset);
            source.read(offset, MemorySegment.ofArray(target).asSlice(from, direct));
            offset += direct;
            return direct;
        }
        if (position == filled && !fill()) {
            return -1;
        }
        int taken = Math.min(count, filled - position);
        System.arraycopy(buffer, position, target, from, taken);
        position += taken;
        return taken;
    }

    @Override
    public int available() {
        return (int) Math.min(Integer.MAX_VALUE, filled - position + (end - offset));
    }

    private boolean fill() {
        filled = (int) Math.min(buffer.length, end - offset);
        position = 0;
        source.read(offset, MemorySegment.ofArray(buffer).asSlice(0, filled));
        offset += filled;
        return filled > 0;
    }
}
