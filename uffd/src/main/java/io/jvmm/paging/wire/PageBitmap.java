// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Which pages of a layout are where they shall be; a bit a page, and their count. Thread-safe; no
 * method waits for anything but another one.
 */
final class PageBitmap {

    private final long pages;
    private final long[] words;
    private long count;

    /** No page is there. */
    PageBitmap(long pages) {
        this.pages = pages;
        words = new long[Math.toIntExact((pages + 63) / 64)];
    }

    /**
     * Sets bits.
     *
     * @return how many were not set before
     */
    synchronized long set(long first, long many) {
        Objects.checkFromIndexSize(first, many, pages);
        long fresh = 0;
        for (long at = first; at < first + many; ) {
            int word = (int) (at >> 6);
            int bits = (int) Math.min(64 - (at & 63), first + many - at);
            long mask = (-1L >>> (64 - bits)) << at;
            fresh += bits - Long.bitCount(words[word] & mask);
            words[word] |= mask;
            at += bits;
        }
        count += fresh;
        return fresh;
    }

    /** How many bits are set. */
    synchronized long count() {
        return count;
    }

    synchronized boolean isFull() {
        return count == pages;
    }

    synchronized boolean isSet(long page) {
        Objects.checkIndex(page, pages);
        return (words[(int) (page >> 6)] >>> page & 1) != 0;
    }

    /** The first page from here on whose bit is not set; {@code pages} if there is none. */
    synchronized long nextClear(long from) {
        return next(from, -1L);
    }

    /** The first page from here on whose bit is set; {@code pages} if there is none. */
    synchronized long nextSet(long from) {
        return next(from, 0L);
    }

    private long next(long from, long flip) {
        if (from >= pages) {
            return pages;
        }
        int word = (int) (from >> 6);
        long bits = (words[word] ^ flip) & (-1L << from);
        while (bits == 0) {
            if (++word == words.length) {
                return pages;
            }
            bits = words[word] ^ flip;
        }
        return Math.min(pages, ((long) word << 6) + Long.numberOfTrailingZeros(bits));
    }

    /**
     * Copies bits out, least significant first, for as many pages as the buffer has bits or there
     * are.
     *
     * @param first a multiple of 8
     * @return the number of pages
     */
    synchronized int copyTo(long first, ByteBuffer to) {
        int many = (int) Math.min(to.remaining() * 8L, pages - first);
        for (int done = 0; done < many; done += 8) {
            long at = first + done;
            to.put((byte) (words[(int) (at >> 6)] >>> (at & 63)));
        }
        return many;
    }

    /**
     * Sets the bits that are set in a copy.
     *
     * @param first a multiple of 8
     * @param many pages, as {@link #copyTo} has told it
     * @throws WireException if the copy is not of these pages
     */
    synchronized void merge(long first, long many, ByteBuffer from) {
        if (first < 0
                || first % 8 != 0
                || many < 0
                || many > pages
                || first > pages - many
                || from.remaining() != (many + 7) / 8) {
            throw new WireException(
                    Refusal.MALFORMED,
                    "a bitmap of %d bytes for %d pages from %d of %d"
                            .formatted(from.remaining(), many, first, pages));
        }
        for (long done = 0; done < many; done += 8) {
            long bits = Byte.toUnsignedLong(from.get());
            if (many - done < 8 && bits >>> (many - done) != 0) {
                throw new WireException(Refusal.MALFORMED, "a bitmap has bits behind its end");
            }
            long at = first + done;
            int word = (int) (at >> 6);
            long mask = bits << (at & 63);
            count += Long.bitCount(mask & ~words[word]);
            words[word] |= mask;
        }
    }
}
