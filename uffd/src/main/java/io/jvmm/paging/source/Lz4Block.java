// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Packs and unpacks blocks of bytes in LZ4's block format (lz4_Block_format.md of the LZ4 project):
 * sequences of literals and a match, which repeats what was unpacked up to 64 KiB before.
 *
 * <p>Works on arrays, so that whatever a block says, nothing outside of them is touched. One thread
 * at a time; nothing is allocated per block.
 */
final class Lz4Block {

    private static final int MIN_MATCH = 4;
    private static final int MAX_OFFSET = 65_535;
    // The format ends with literals: matches neither begin nor end too close to the end.
    private static final int LAST_LITERALS = 5;
    private static final int MATCH_LIMIT = 12;
    private static final int HASH_BITS = 13;
    private static final int RUN_MASK = 15;
    private static final int SKIP_SHIFT = 6;

    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private final int[] positions = new int[1 << HASH_BITS];

    /**
     * Packs {@code source[0, length)}.
     *
     * @return how many bytes of the target were used; -1 if it is too small for them
     */
    int pack(byte[] source, int length, byte[] target) {
        Arrays.fill(positions, -1);
        int used = 0;
        int anchor = 0;
        int at = 0;
        int misses = 0;
        while (at + MATCH_LIMIT <= length) {
            int value = (int) INT.get(source, at);
            int hash = (value * 0x9E37_79B1) >>> (Integer.SIZE - HASH_BITS);
            int candidate = positions[hash];
            positions[hash] = at;
            if (candidate < 0
                    || at - candidate > MAX_OFFSET
                    || (int) INT.get(source, candidate) != value) {
                // What does not pack is gone through in ever larger steps.
                at += 1 + (misses++ >> SKIP_SHIFT);
                continue;
            }
            misses = 0;
            int match = matchLength(source, at, candidate, length - LAST_LITERALS);
            used = put(source, anchor, at - anchor, at - candidate, match, target, used);
            if (used < 0) {
                return -1;
            }
            at += match;
            anchor = at;
        }
        return put(source, anchor, length - anchor, 0, 0, target, used);
    }

    private static int matchLength(byte[] source, int at, int candidate, int limit) {
        int mismatch =
                Arrays.mismatch(source, at, limit, source, candidate, candidate + limit - at);
        return mismatch < 0 ? limit - at : mismatch;
    }

    /** Writes a sequence; without match, the last. Returns the new end, -1 if there is no room. */
    private static int put(
            byte[] source, int from, int literals, int offset, int match, byte[] target, int used) {
        int most = 1 + literals / 255 + 1 + literals + (match > 0 ? 2 + match / 255 + 1 : 0);
        if (most > target.length - used) {
            return -1;
        }
        int token = used++;
        used = putLength(literals, target, used);
        System.arraycopy(source, from, target, used, literals);
        used += literals;
        int low = 0;
        if (match > 0) {
            target[used++] = (byte) offset;
            target[used++] = (byte) (offset >>> 8);
            used = putLength(match - MIN_MATCH, target, used);
            low = Math.min(match - MIN_MATCH, RUN_MASK);
        }
        target[token] = (byte) (Math.min(literals, RUN_MASK) << 4 | low);
        return used;
    }

    private static int putLength(int length, byte[] target, int used) {
        if (length < RUN_MASK) {
            return used;
        }
        int rest = length - RUN_MASK;
        for (; rest >= 255; rest -= 255) {
            target[used++] = (byte) 255;
        }
        target[used++] = (byte) rest;
        return used;
    }

    /**
     * Unpacks {@code packed[0, size)} to exactly {@code length} bytes.
     *
     * @return false if the block is damaged; the target's content is undefined then
     */
    static boolean unpack(byte[] packed, int size, byte[] target, int length) {
        int next = 0;
        int done = 0;
        while (next < size) {
            int token = packed[next++] & 0xFF;
            int literals = token >>> 4;
            if (literals == RUN_MASK) {
                int more;
                do {
                    if (next >= size || literals > length) {
                        return false;
                    }
                    more = packed[next++] & 0xFF;
                    literals += more;
                } while (more == 255);
            }
            if (literals > size - next || literals > length - done) {
                return false;
            }
            System.arraycopy(packed, next, target, done, literals);
            next += literals;
            done += literals;
            if (next == size) {
                break; // the last sequence has no match
            }
            if (size - next < 2) {
                return false;
            }
            int offset = (packed[next] & 0xFF) | (packed[next + 1] & 0xFF) << 8;
            next += 2;
            int match = token & RUN_MASK;
            if (match == RUN_MASK) {
                int more;
                do {
                    if (next >= size || match > length) {
                        return false;
                    }
                    more = packed[next++] & 0xFF;
                    match += more;
                } while (more == 255);
            }
            match += MIN_MATCH;
            if (offset == 0 || offset > done || match > length - done) {
                return false;
            }
            repeat(target, done, offset, match);
            done += match;
        }
        return done == length;
    }

    /** Copies what lies {@code offset} before; a match may reach into itself. */
    private static void repeat(byte[] target, int at, int offset, int count) {
        for (int copied = 0; copied < count; ) {
            // What is there repeats, so that each round may copy twice as much.
            int piece = Math.min(count - copied, offset + copied);
            System.arraycopy(target, at - offset, target, at + copied, piece);
            copied += piece;
        }
    }
}
