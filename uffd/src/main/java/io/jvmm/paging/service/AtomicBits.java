// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** Bits that threads set and clear at the same time. Without locks, without allocation. */
final class AtomicBits {

    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] words;

    AtomicBits(int size) {
        words = new long[(size + Long.SIZE - 1) >>> 6];
    }

    /** The bits of word {@code index >> 6} that lie in [first, first + count). */
    static long mask(int first, int count) {
        int bits = Math.min(Long.SIZE - (first & 63), count);
        return (-1L >>> (Long.SIZE - bits)) << first;
    }

    /** Those of a mask's bits, which are in one piece, that are set from its lowest on. */
    static long lowestRun(long bits, long mask) {
        // What carries out of the run is no bit of it.
        return mask & bits & ~((bits & mask) + Long.lowestOneBit(mask));
    }

    /** Those of a mask's bits, which are in one piece, that are set from its highest down. */
    static long highestRun(long bits, long mask) {
        return Long.reverse(lowestRun(Long.reverse(bits), Long.reverse(mask)));
    }

    long word(int word) {
        return (long) WORD.getVolatile(words, word);
    }

    int words() {
        return words.length;
    }

    boolean get(int index) {
        return (word(index >> 6) >>> index & 1) != 0;
    }

    /** Sets bits of one word; returns those that were clear. */
    long set(int word, long mask) {
        return mask & ~(long) WORD.getAndBitwiseOr(words, word, mask);
    }

    /** Clears bits of one word; returns those that were set. */
    long clear(int word, long mask) {
        return mask & (long) WORD.getAndBitwiseAnd(words, word, ~mask);
    }

    /**
     * Sets a bit of a word that is clear, or clears one that is set ({@code -bit}), and that nobody
     * else changes meanwhile. Quicker than {@link #set(int, long)}, and wrong otherwise.
     */
    void add(int word, long bit) {
        WORD.getAndAdd(words, word, bit);
    }

    /** Sets [first, first + count); returns how many were clear. */
    int set(int first, int count) {
        int changed = 0;
        for (int end = first + count; first < end; first = nextWord(first)) {
            changed += Long.bitCount(set(first >> 6, mask(first, end - first)));
        }
        return changed;
    }

    /** Clears [first, first + count); returns how many were set. */
    int clear(int first, int count) {
        int changed = 0;
        for (int end = first + count; first < end; first = nextWord(first)) {
            changed += Long.bitCount(clear(first >> 6, mask(first, end - first)));
        }
        return changed;
    }

    /** How many of [first, first + count) are set. */
    int count(int first, int count) {
        int set = 0;
        for (int end = first + count; first < end; first = nextWord(first)) {
            set += Long.bitCount(word(first >> 6) & mask(first, end - first));
        }
        return set;
    }

    /** The first set bit of [from, limit), or {@code limit}. */
    int nextSet(int from, int limit) {
        return next(from, limit, 0);
    }

    /** The first clear bit of [from, limit), or {@code limit}. */
    int nextClear(int from, int limit) {
        return next(from, limit, -1L);
    }

    /** The last set bit of [from, limit), or {@code from - 1}. */
    int previousSet(int from, int limit) {
        for (int last = limit - 1; last >= from; last = (last & ~63) - 1) {
            long rest = word(last >> 6) << (63 - (last & 63));
            if (rest != 0) {
                return Math.max(from - 1, last - Long.numberOfLeadingZeros(rest));
            }
        }
        return from - 1;
    }

    private int next(int from, int limit, long flip) {
        while (from < limit) {
            long rest = (word(from >> 6) ^ flip) >>> from;
            if (rest != 0) {
                return Math.min(limit, from + Long.numberOfTrailingZeros(rest));
            }
            from = nextWord(from);
        }
        return limit;
    }

    private static int nextWord(int index) {
        return (index | 63) + 1;
    }
}
