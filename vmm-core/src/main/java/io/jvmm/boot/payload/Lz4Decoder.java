package io.jvmm.boot.payload;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/**
 * Reads LZ4's legacy frame ({@code lz4 -l}), the one that Linux uses for its own image: a magic
 * number, then blocks of 8 MiB, each preceded by its packed size and independent of the others.
 */
final class Lz4Decoder {

    static final int MAGIC = 0x184C2102;

    private static final int BLOCK_MAX = 8 << 20;

    /** Packed size of a block that does not compress (LZ4_compressBound). */
    private static final int PACKED_MAX = BLOCK_MAX + BLOCK_MAX / 255 + 16;

    /** Shortest match that the format can say. */
    private static final int MIN_MATCH = 4;

    private Lz4Decoder() {}

    /** Unpacks all blocks of {@code in} into {@code out}. */
    static void unpack(InputStream in, Output out) throws IOException {
        byte[] word = new byte[4];
        byte[] block = new byte[0];
        if (!readNumber(in, word) || LittleEndian.i32(word, 0) != MAGIC) {
            throw new PayloadException("it does not begin with LZ4's magic number");
        }
        while (readNumber(in, word)) {
            int size = LittleEndian.i32(word, 0);
            if (size == MAGIC) {
                continue; // another frame follows
            }
            if (size == 0) {
                return; // padding, as between the archives of an initramfs
            }
            if (size < 0 || size > PACKED_MAX) {
                throw new PayloadException("a block has the impossible size 0x%x".formatted(size));
            }
            if (size > block.length) {
                block = new byte[size];
            }
            if (in.readNBytes(block, 0, size) < size) {
                throw truncated();
            }
            unpackBlock(block, size, out);
        }
    }

    /** Reads four bytes, or nothing at the end of the input. */
    private static boolean readNumber(InputStream in, byte[] word) throws IOException {
        int count = in.readNBytes(word, 0, 4);
        if (count != 0 && count != 4) {
            throw truncated();
        }
        return count == 4;
    }

    private static void unpackBlock(byte[] packed, int size, Output out) throws IOException {
        int room = Math.min(BLOCK_MAX, out.remaining());
        out.reserve(room);
        byte[] target = out.array();
        int start = out.size();
        int end = start + room;
        int position = start;
        int next = 0;
        while (next < size) {
            int token = Byte.toUnsignedInt(packed[next++]);
            int literals = token >>> 4;
            if (literals == 15) {
                int more;
                do {
                    more = byteAt(packed, next++, size);
                    literals += more;
                } while (more == 255 && literals <= room);
            }
            if (literals > size - next) {
                throw truncated();
            }
            if (literals > end - position) {
                throw out.overflow(BLOCK_MAX);
            }
            System.arraycopy(packed, next, target, position, literals);
            next += literals;
            position += literals;
            if (next == size) {
                break; // the last sequence has no match
            }
            int offset = byteAt(packed, next, size) | byteAt(packed, next + 1, size) << 8;
            next += 2;
            int match = token & 15;
            if (match == 15) {
                int more;
                do {
                    more = byteAt(packed, next++, size);
                    match += more;
                } while (more == 255 && match <= room);
            }
            match += MIN_MATCH;
            if (match > end - position) {
                throw out.overflow(BLOCK_MAX);
            }
            if (offset == 0 || offset > position - start) {
                throw new PayloadException("a match reaches outside its block");
            }
            Matches.copy(target, position, offset, match);
            position += match;
        }
        out.advance(position - start);
    }

    private static int byteAt(byte[] packed, int index, int size) throws EOFException {
        if (index >= size) {
            throw truncated();
        }
        return Byte.toUnsignedInt(packed[index]);
    }

    private static EOFException truncated() {
        return new EOFException("it is truncated");
    }
}
