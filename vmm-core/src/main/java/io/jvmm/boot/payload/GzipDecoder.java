// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Reads one member of a gzip file (RFC 1952), and not a byte behind it, which {@link
 * java.util.zip.GZIPInputStream} does not promise. For one thread; close it to free its memory.
 */
final class GzipDecoder extends InputStream {

    private static final int DEFLATE = 8;

    private static final int HEADER_CHECKSUM = 0x02;
    private static final int EXTRA = 0x04;
    private static final int NAME = 0x08;
    private static final int COMMENT = 0x10;
    private static final int RESERVED = 0xE0;

    /** What Linux reads: the name, and that it is text. */
    private static final int FOR_LINUX = NAME | 0x01;

    private final PackedInput in;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final byte[] one = new byte[1];
    private boolean atEnd;

    GzipDecoder(PackedInput in) throws IOException {
        this.in = in;
        try {
            header();
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Whether a header of this beginning has fields that Linux cannot skip. */
    static boolean isTooRichForLinux(byte[] head) {
        return head.length > 3 && (head[3] & ~FOR_LINUX) != 0;
    }

    private void header() throws IOException {
        if (in.next() != 0x1F || in.next() != 0x8B || in.next() != DEFLATE) {
            throw new PayloadException("it does not begin with gzip's magic number");
        }
        int flags = in.next();
        if ((flags & RESERVED) != 0) {
            throw new PayloadException("a header has a reserved bit set");
        }
        skip(6); // time, effort, system
        if ((flags & EXTRA) != 0) {
            skip(in.next() | in.next() << 8);
        }
        if ((flags & NAME) != 0) {
            skipText();
        }
        if ((flags & COMMENT) != 0) {
            skipText();
        }
        if ((flags & HEADER_CHECKSUM) != 0) {
            skip(2);
        }
    }

    private void skip(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            in.next();
        }
    }

    private void skipText() throws IOException {
        while (in.next() != 0) {}
    }

    @Override
    public int read() throws IOException {
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] target, int offset, int count) throws IOException {
        if (count == 0) {
            return 0;
        }
        while (!atEnd) {
            int done = inflate(target, offset, count);
            if (done > 0) {
                crc.update(target, offset, done);
                return done;
            }
            if (inflater.finished()) {
                trailer();
            } else if (inflater.needsDictionary()) {
                throw new PayloadException("it needs a dictionary");
            }
        }
        return -1;
    }

    private int inflate(byte[] target, int offset, int count) throws IOException {
        int end = in.end();
        int start = in.start();
        if (start == end && !inflater.finished()) {
            throw new EOFException("it is truncated");
        }
        inflater.setInput(in.array(), start, end - start);
        try {
            int done = inflater.inflate(target, offset, count);
            in.take(end - start - inflater.getRemaining());
            return done;
        } catch (DataFormatException e) {
            throw new PayloadException("it is corrupt (" + e.getMessage() + ")", e);
        }
    }

    private void trailer() throws IOException {
        long checksum = number();
        long size = number();
        if (checksum != crc.getValue()) {
            throw new PayloadException("it is corrupt (a checksum does not match)");
        }
        if (size != (inflater.getBytesWritten() & 0xFFFF_FFFFL)) {
            throw new PayloadException("it is corrupt (it says another size than it has)");
        }
        atEnd = true;
    }

    private long number() throws IOException {
        long value = 0;
        for (int i = 0; i < Integer.SIZE; i += Byte.SIZE) {
            value |= (long) in.next() << i;
        }
        return value;
    }

    @Override
    public void close() {
        inflater.end();
    }
}
