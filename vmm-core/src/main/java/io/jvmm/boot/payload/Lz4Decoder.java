// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.EOFException;
import java.io.IOException;

/**
 * Reads LZ4's legacy frame ({@code lz4 -l}), the one that Linux uses for its own image: a magic
 * number, then blocks of 8 MiB, each preceded by its packed size and independent of the others.
 */
final class Lz4Decoder extends BlockDecoder {

    static final int MAGIC = 0x184C2102;

    private static final int BLOCK_MAX = 8 << 20;

    /** Packed size of a block that does not compress (LZ4_compressBound). */
    private static final int PACKED_MAX = BLOCK_MAX + BLOCK_MAX / 255 + 16;

    /** Shortest match that the format can say. */
    private static final int MIN_MATCH = 4;

    private final byte[] word = new byte[4];
    private byte[] packed = new byte[0];

    Lz4Decoder(PackedInput in, Output out) throws IOException {
        super(in, out);
        if (!LittleEndian.startsWith(in.ahead(4), MAGIC)) {
            throw new PayloadException("it does not begin with LZ4's magic number");
        }
    }

    /**
     * The format has no end of its own: another magic number goes on with the next block, and what
     * is no block, a zero or less than four bytes, is left to the caller, as Linux does it.
     */
    @Override
    boolean block() throws IOException {
        byte[] next = in.ahead(4);
        while (LittleEndian.startsWith(next, MAGIC)) {
            in.fill(word, 0, 4);
            next = in.ahead(4);
        }
        if (next.length > 0 && next.length < 4 && next[0] != 0) {
            throw truncated();
        }
        if (next.length < 4 || LittleEndian.i32(next, 0) == 0) {
            return false;
        }
        in.fill(word, 0, 4);
        int size = LittleEndian.i32(word, 0);
        if (size < 0 || size > PACKED_MAX) {
            throw new PayloadException("a block has the impossible size 0x%x".formatted(size));
        }
        if (size > packed.length) {
            packed = new byte[size];
        }
        in.fill(packed, 0, size);
        unpackBlock(size);
        return true;
    }

    private void unpackBlock(int size) throws IOException {
        // A byte of a length stands for at most 255 bytes of content.
        int room = (int) Math.min(BLOCK_MAX, 255L * size);
        out.beginFrame(0);
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
                throw overflow();
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
                throw overflow();
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

    private static PayloadException overflow() {
        return new PayloadException("a block unpacks to more than its format allows");
    }

    private static EOFException truncated() {
        return new EOFException("it is truncated");
    }
}
