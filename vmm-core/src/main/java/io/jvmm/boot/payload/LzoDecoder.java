// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.DataInputStream;
import java.io.IOException;
import java.util.zip.Adler32;
import java.util.zip.CRC32;
import java.util.zip.Checksum;

/**
 * Reads the file format of the lzop command: a header, then LZO1X blocks with their sizes and
 * checksums, all big-endian. The instructions within a block are those of the kernel document "LZO
 * stream format as understood by Linux' LZO decompressor".
 */
final class LzoDecoder extends BlockDecoder {

    private static final int MAGIC_LENGTH = 9;
    private static final int VERSION_WITH_LEVEL = 0x0940;

    /** Largest block that lzop writes. */
    private static final int BLOCK_MAX = 64 << 20;

    private static final int ADLER_OF_CONTENT = 0x01;
    private static final int ADLER_OF_PACKED = 0x02;
    private static final int EXTRA_FIELD = 0x40;
    private static final int CRC_OF_CONTENT = 0x100;
    private static final int CRC_OF_PACKED = 0x200;
    private static final int MULTIPART = 0x400;
    private static final int FILTER = 0x800;
    private static final int UNSUPPORTED = EXTRA_FIELD | MULTIPART | FILTER;

    private final DataInputStream data;
    private final int flags;

    private byte[] packed = new byte[0];
    private int size;
    private int next;
    private boolean atEnd;

    LzoDecoder(PackedInput in, Output out) throws IOException {
        super(in, out);
        data = new DataInputStream(in);
        flags = header();
    }

    /** Skips the header and returns its flags. */
    private int header() throws IOException {
        data.skipNBytes(MAGIC_LENGTH);
        int version = data.readUnsignedShort();
        data.skipNBytes(2);
        boolean withLevel = version >= VERSION_WITH_LEVEL;
        if (withLevel) {
            data.skipNBytes(2);
        }
        int method = data.readUnsignedByte();
        if (method < 1 || method > 3) {
            throw new PayloadException("it uses method %d, which is not LZO1X".formatted(method));
        }
        if (withLevel) {
            data.skipNBytes(1);
        }
        int fields = data.readInt();
        if ((fields & UNSUPPORTED) != 0) {
            throw new PayloadException("its flags 0x%x ask for too much".formatted(fields));
        }
        data.skipNBytes(withLevel ? 12 : 8); // file mode and time
        data.skipNBytes(data.readUnsignedByte()); // file name
        data.skipNBytes(4); // checksum of the header
        return fields;
    }

    @Override
    boolean block() throws IOException {
        int length = atEnd ? 0 : data.readInt();
        if (length == 0) {
            atEnd = true;
            return false;
        }
        size = data.readInt();
        if (length < 0 || length > BLOCK_MAX || size <= 0 || size > length) {
            throw new PayloadException("a block has an impossible size");
        }
        int adler = (flags & ADLER_OF_CONTENT) != 0 ? data.readInt() : 0;
        int crc = (flags & CRC_OF_CONTENT) != 0 ? data.readInt() : 0;
        boolean stored = size == length;
        if (!stored) {
            data.skipNBytes((flags & ADLER_OF_PACKED) != 0 ? 4 : 0);
            data.skipNBytes((flags & CRC_OF_PACKED) != 0 ? 4 : 0);
        }
        out.beginFrame(0);
        out.reserve(length);
        if (stored) {
            data.readFully(out.array(), out.size(), length);
        } else {
            if (size > packed.length) {
                packed = new byte[size];
            }
            data.readFully(packed, 0, size);
            unpackBlock(length);
        }
        if ((flags & ADLER_OF_CONTENT) != 0) {
            verify(new Adler32(), length, adler);
        }
        if ((flags & CRC_OF_CONTENT) != 0) {
            verify(new CRC32(), length, crc);
        }
        out.advance(length);
        return true;
    }

    private void verify(Checksum checksum, int length, int expected) throws PayloadException {
        checksum.update(out.array(), out.size(), length);
        if ((int) checksum.getValue() != expected) {
            throw new PayloadException("a checksum does not match");
        }
    }

    /** Executes the instructions in {@link #packed}, which must give {@code length} bytes. */
    private void unpackBlock(int length) throws PayloadException {
        byte[] target = out.array();
        int start = out.size();
        int end = start + length;
        int position = start;
        next = 0;
        // Number of literals that the last instruction brought: 0 to 3, or 4 for a long run.
        int state = 0;
        if (size > 0 && Byte.toUnsignedInt(packed[0]) > 17) {
            int literals = takeByte() - 17;
            position = copyLiterals(target, position, end, literals);
            state = Math.min(literals, 4);
        }
        while (true) {
            int instruction = takeByte();
            int match;
            int distance;
            int literals;
            if (instruction >= 64) {
                match =
                        instruction >= 128
                                ? 5 + ((instruction >>> 5) & 3)
                                : 3 + ((instruction >>> 5) & 1);
                distance = (takeByte() << 3) + ((instruction >>> 2) & 7) + 1;
                literals = instruction & 3;
            } else if (instruction >= 32) {
                match = 2 + takeLength(instruction & 31, 31);
                int word = takeByte() | takeByte() << 8;
                distance = (word >>> 2) + 1;
                literals = word & 3;
            } else if (instruction >= 16) {
                match = 2 + takeLength(instruction & 7, 7);
                int word = takeByte() | takeByte() << 8;
                distance = 16384 + ((instruction & 8) << 11) + (word >>> 2);
                literals = word & 3;
                if (distance == 16384) {
                    break; // end of the block
                }
            } else if (state == 0) {
                position = copyLiterals(target, position, end, 3 + takeLength(instruction, 15));
                state = 4;
                continue;
            } else {
                match = state == 4 ? 3 : 2;
                distance = (takeByte() << 2) + (instruction >>> 2) + (state == 4 ? 2049 : 1);
                literals = instruction & 3;
            }
            if (match > end - position || distance > position - start) {
                throw new PayloadException("a match reaches outside its block");
            }
            Matches.copy(target, position, distance, match);
            position = copyLiterals(target, position + match, end, literals);
            state = literals;
        }
        if (position != end || next != size) {
            throw new PayloadException("a block does not end where it says");
        }
    }

    private int copyLiterals(byte[] target, int position, int end, int count)
            throws PayloadException {
        if (count > end - position || count > size - next) {
            throw new PayloadException("literals reach outside their block");
        }
        System.arraycopy(packed, next, target, position, count);
        next += count;
        return position + count;
    }

    /** A length that did not fit: {@code base} plus 255 per zero byte plus the first other one. */
    private int takeLength(int direct, int base) throws PayloadException {
        if (direct != 0) {
            return direct;
        }
        int length = base;
        int more = takeByte();
        while (more == 0 && length < BLOCK_MAX) {
            length += 255;
            more = takeByte();
        }
        return length + more;
    }

    private int takeByte() throws PayloadException {
        if (next >= size) {
            throw new PayloadException("a block is truncated");
        }
        return Byte.toUnsignedInt(packed[next++]);
    }
}
