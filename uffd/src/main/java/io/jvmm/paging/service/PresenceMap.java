// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Which pages of guest memory are there. A page is <i>empty</i>, being <i>fetched</i> by the one
 * who has claimed it, or <i>present</i>. Pages are numbered from 0; 512 of them, from a multiple of
 * 512 on, are a chunk: 2 MiB of host-virtual addresses, aligned.
 *
 * <p><b>The claim is the lock of a page.</b> Only who holds it may put the page in place or take it
 * away; it ends with {@link #arrive} or {@link #release}. A page that is present cannot be claimed.
 * Who finds a page claimed may rely on it: it comes, or whoever gives it up looks afterwards
 * whether somebody wants it. {@link #claim} of several pages gives up what it has when it meets
 * another's.
 *
 * <p>A page counts as present only after the kernel has it, so who sees it here may touch it from
 * Java code. The way back, for memory that somebody else has dropped, is {@link #forget}.
 *
 * <p>Without locks, without allocation, for all threads.
 */
final class PresenceMap {

    /** Pages of a chunk. */
    static final int CHUNK_PAGES = 512;

    private static final VarHandle MISSING;
    private static final VarHandle CHUNK = MethodHandles.arrayElementVarHandle(int[].class);

    static {
        try {
            MISSING = MethodHandles.lookup().findVarHandle(PresenceMap.class, "missing", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int pages;
    private final AtomicBits present;
    private final AtomicBits claimed;
    private final int[] chunkMissing;
    private volatile int missing;
    private Runnable givenUp = () -> {};

    /**
     * All pages empty.
     *
     * @param pages a multiple of {@link #CHUNK_PAGES}
     */
    PresenceMap(int pages) {
        if (pages < 0 || pages % CHUNK_PAGES != 0) {
            throw new IllegalArgumentException(pages + " pages are not whole chunks");
        }
        this.pages = pages;
        present = new AtomicBits(pages);
        claimed = new AtomicBits(pages);
        chunkMissing = new int[pages / CHUNK_PAGES];
        java.util.Arrays.fill(chunkMissing, CHUNK_PAGES);
        missing = pages;
    }

    /**
     * Has {@link #claimUp} and {@link #claimDown} tell when they have given up pages that they had
     * claimed for a moment: somebody may have relied on it. To be set before the map is used.
     */
    void whenGivenUp(Runnable listener) {
        givenUp = listener;
    }

    int pages() {
        return pages;
    }

    int chunks() {
        return chunkMissing.length;
    }

    /** Whether nothing is missing any more. One load and one branch. */
    boolean allPresent() {
        return missing == 0;
    }

    /** How many pages are missing. */
    int missing() {
        return missing;
    }

    /** How many pages of a chunk are missing. */
    int missing(int chunk) {
        return (int) CHUNK.getVolatile(chunkMissing, chunk);
    }

    boolean isPresent(int page) {
        return present.get(page);
    }

    /** Whether all of [first, first + count) are present. */
    boolean isPresent(int first, int count) {
        return present.nextClear(first, first + count) == first + count;
    }

    /** Whether somebody is fetching the page, or has just done so. */
    boolean isClaimed(int page) {
        return claimed.get(page);
    }

    /** The empty pages among the 64 of a word, as bits. */
    long empty(int word) {
        return ~(present.word(word) | claimed.word(word));
    }

    /** The first page of [from, limit) that is empty, or {@code limit}. */
    int nextEmpty(int from, int limit) {
        while (from < limit) {
            long rest = empty(from >> 6) >>> from;
            if (rest != 0) {
                return Math.min(limit, from + Long.numberOfTrailingZeros(rest));
            }
            from = (from | 63) + 1;
        }
        return limit;
    }

    /** The first page of [from, limit) that is not present, or {@code limit}. */
    int nextMissing(int from, int limit) {
        return present.nextClear(from, limit);
    }

    /** Claims a page if it is empty. */
    boolean claim(int page) {
        int word = page >> 6;
        long bit = 1L << page;
        if ((present.word(word) & bit) != 0 || claimed.set(word, bit) == 0) {
            return false;
        }
        // After the claim: an arrival shows as present before its claim ends.
        if ((present.word(word) & bit) != 0) {
            claimed.clear(word, bit);
            return false;
        }
        return true;
    }

    /**
     * Claims all of [first, first + count) if all are empty, else none. If none, the caller looks
     * whether somebody wants one of them, who may have taken it for claimed meanwhile.
     */
    boolean claim(int first, int count) {
        int end = first + count;
        for (int at = first; at < end; at = (at | 63) + 1) {
            long mask = AtomicBits.mask(at, end - at);
            long taken = claimed.set(at >> 6, mask);
            // After the claim: an arrival shows as present before its claim ends.
            if (taken != mask || (present.word(at >> 6) & mask) != 0) {
                claimed.clear(at >> 6, taken);
                if (at > first) {
                    claimed.clear(first, at - first);
                }
                return false;
            }
        }
        return true;
    }

    /** Claims empty pages from {@code first} upwards; returns how many, 0 to {@code limit}. */
    int claimUp(int first, int limit) {
        int at = first;
        for (int end = first + limit; at < end; ) {
            long mask = AtomicBits.mask(at, end - at);
            long empty = AtomicBits.lowestRun(empty(at >> 6), mask);
            long taken = claimed.set(at >> 6, empty);
            long kept = AtomicBits.lowestRun(taken & ~present.word(at >> 6), mask);
            giveUp(at >> 6, taken & ~kept);
            at += Long.bitCount(kept);
            if (kept != mask) {
                break;
            }
        }
        return at - first;
    }

    /** Claims empty pages downwards from below {@code end}; returns how many. */
    int claimDown(int end, int limit) {
        int at = end;
        for (int first = end - limit; at > first; ) {
            int word = (at - 1) >> 6;
            int from = Math.max(first, word << 6);
            long mask = AtomicBits.mask(from, at - from);
            long empty = AtomicBits.highestRun(empty(word), mask);
            long taken = claimed.set(word, empty);
            long kept = AtomicBits.highestRun(taken & ~present.word(word), mask);
            giveUp(word, taken & ~kept);
            at -= Long.bitCount(kept);
            if (kept != mask) {
                break;
            }
        }
        return end - at;
    }

    /** Between a look and a claim somebody was quicker: a piece has to be one. */
    private void giveUp(int word, long bits) {
        if (bits != 0) {
            claimed.clear(word, bits);
            givenUp.run();
        }
    }

    /** Claimed pages are in place. Ends the claim. */
    void arrive(int first, int count) {
        for (int at = first, end = first + count; at < end; at = (at | 63) + 1) {
            int fresh = Long.bitCount(present.set(at >> 6, AtomicBits.mask(at, end - at)));
            CHUNK.getAndAdd(chunkMissing, at / CHUNK_PAGES, -fresh);
            MISSING.getAndAdd(this, -fresh);
        }
        claimed.clear(first, count);
    }

    /** A claimed page is in place. Ends the claim. */
    void arrive(int page) {
        long bit = 1L << page;
        // The claim's owner alone changes these bits, from 0 to 1 and from 1 to 0.
        present.add(page >> 6, bit);
        CHUNK.getAndAdd(chunkMissing, page / CHUNK_PAGES, -1);
        MISSING.getAndAdd(this, -1);
        claimed.add(page >> 6, -bit);
    }

    /** Claimed pages are still missing. Ends the claim. */
    void release(int first, int count) {
        claimed.clear(first, count);
    }

    /**
     * Present pages are missing again. Before they are dropped, if there is a choice: until then a
     * thread that looked here may touch them.
     */
    void forget(int first, int count) {
        for (int at = first, end = first + count; at < end; at = (at | 63) + 1) {
            // Counted first, so that nobody takes the map for full while a bit is clear.
            long mask = AtomicBits.mask(at, end - at) & present.word(at >> 6);
            int gone = Long.bitCount(mask);
            MISSING.getAndAdd(this, gone);
            CHUNK.getAndAdd(chunkMissing, at / CHUNK_PAGES, gone);
            int twice = gone - Long.bitCount(present.clear(at >> 6, mask));
            MISSING.getAndAdd(this, -twice);
            CHUNK.getAndAdd(chunkMissing, at / CHUNK_PAGES, -twice);
        }
    }
}
