// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * All that is known about each page of guest memory, besides who waits for it. The truth of the
 * service: no queue says what is to be done, what is wanted and empty is. So nothing can be lost or
 * done twice, and a page whose source was away is simply still wanted.
 */
final class PageStates {

    /** No page. */
    static final int NONE = PagedMemory.NONE;

    private static final int CHUNK_WORDS = PresenceMap.CHUNK_PAGES / Long.SIZE;

    final PagedMemory memory;
    final PresenceMap map;
    // Wanted by somebody who waits, and a bit per chunk that may have such pages.
    private final AtomicBits wanted;
    private final AtomicBits wantedChunks;
    // Dropped by somebody else: zero, whatever the source says.
    private final AtomicBits dropped;
    private final AtomicInteger drops = new AtomicInteger();
    // Chunks into which small pages were put, or are there from the start: no huge page fits in.
    private final AtomicBits fragmented;

    PageStates(PagedMemory memory) {
        this.memory = memory;
        map = new PresenceMap(memory.pages());
        wanted = new AtomicBits(memory.pages());
        wantedChunks = new AtomicBits(map.chunks());
        dropped = new AtomicBits(memory.pages());
        fragmented = new AtomicBits(map.chunks());
        int next = 0;
        for (int range = 0; range < memory.ranges().size(); range++) {
            fillGap(next, memory.first(range));
            next = memory.first(range) + memory.count(range);
        }
        fillGap(next, memory.pages());
    }

    /** Page numbers that are no memory are never missing. */
    private void fillGap(int from, int to) {
        if (to > from && map.claim(from, to - from)) {
            map.arrive(from, to - from);
        }
    }

    static int chunk(int page) {
        return page / PresenceMap.CHUNK_PAGES;
    }

    /** Somebody waits for a page. Returns false if that was known. */
    boolean want(int page) {
        boolean first = wanted.set(page, 1) != 0;
        wantedChunks.set(chunk(page), 1);
        return first;
    }

    /** Nobody waits for these pages any more. */
    void unwant(int first, int count) {
        wanted.clear(first, count);
    }

    /** Whether somebody waits for one of these pages. */
    boolean isWanted(int first, int count) {
        return wanted.nextSet(first, first + count) < first + count;
    }

    boolean isWanted(int page) {
        return wanted.get(page);
    }

    /**
     * A page that somebody waits for and nobody fetches, or {@link #NONE}.
     *
     * @param from chunk to begin with, so that not always the same are first
     */
    int nextWanted(int from) {
        int chunks = map.chunks();
        int start = from < chunks ? from : 0;
        int page = nextWanted(start, chunks);
        return page != NONE ? page : nextWanted(0, start);
    }

    private int nextWanted(int from, int limit) {
        for (int chunk = wantedChunks.nextSet(from, limit);
                chunk < limit;
                chunk = wantedChunks.nextSet(chunk + 1, limit)) {
            int page = wantedOf(chunk);
            if (page != NONE) {
                return page;
            }
        }
        return NONE;
    }

    private int wantedOf(int chunk) {
        int first = chunk * CHUNK_WORDS;
        long any = 0;
        for (int word = first; word < first + CHUNK_WORDS; word++) {
            long here = wanted.word(word);
            any |= here;
            long ready = here & map.empty(word);
            if (ready != 0) {
                return (word << 6) + Long.numberOfTrailingZeros(ready);
            }
        }
        if (any == 0) {
            wantedChunks.clear(chunk, 1);
            // Somebody may have come between.
            int page = chunk * PresenceMap.CHUNK_PAGES;
            if (isWanted(page, PresenceMap.CHUNK_PAGES)) {
                wantedChunks.set(chunk, 1);
            }
        }
        return NONE;
    }

    /**
     * These pages are dropped by somebody: they are zero then, and missing. Who puts pages in place
     * at the same time finds out by {@link #drops}.
     */
    void drop(int first, int count) {
        unwantPresent(first, first + count);
        drops.getAndIncrement();
        dropped.set(first, count);
        map.forget(first, count);
        for (int chunk = chunk(first); chunk <= chunk(first + count - 1); chunk++) {
            fragmented.set(chunk, 1);
        }
    }

    /** Nobody waits for what is there; without this, it would come back uncalled for. */
    private void unwantPresent(int first, int end) {
        for (int page = wanted.nextSet(first, end); page < end; ) {
            if (map.isPresent(page)) {
                wanted.clear(page, 1);
            }
            page = wanted.nextSet(page + 1, end);
        }
    }

    /** How often pages were dropped. */
    int drops() {
        return drops.get();
    }

    boolean isDropped(int page) {
        return drops.get() != 0 && dropped.get(page);
    }

    boolean isDropped(int first, int count) {
        return drops.get() != 0 && dropped.nextSet(first, first + count) < first + count;
    }

    /**
     * Pages have arrived that were dropped in between: what is there now, if anything, nobody
     * relies on. They are wanted again, because whoever touched one after it was dropped may have
     * been taken for served by the arrival.
     */
    void retract(int first, int count) {
        int end = first + count;
        for (int page = dropped.nextSet(first, end); page < end; ) {
            want(page);
            map.forget(page, 1);
            page = dropped.nextSet(page + 1, end);
        }
    }

    /** A huge page cannot be put into this chunk any more. */
    void fragment(int chunk) {
        fragmented.set(chunk, 1);
    }

    boolean isFragmented(int chunk) {
        return fragmented.get(chunk);
    }

    /**
     * Claims a page that is to be fetched, with the empty ones around it in its aligned unit.
     *
     * <p>Dropped pages are left out. The source must not write them, whose content may be in place
     * already and have been changed since.
     *
     * @param unit a power of two
     * @return whether the transfer has got the page
     */
    boolean claimAround(int page, int unit, Transfer transfer) {
        if (unit == 1) {
            transfer.claimed(page, 1);
            return !isDropped(page) && map.claim(page);
        }
        int start = Math.max(page & -unit, memory.firstOfChunk(chunk(page)));
        int end = Math.min((page & -unit) + unit, memory.endOfChunk(chunk(page)));
        if (drops() != 0) {
            end = dropped.nextSet(page, end);
            start = dropped.previousSet(start, page) + 1;
        }
        if (page == end || !map.claim(page)) {
            return false;
        }
        int down = map.claimDown(page, page - start);
        int up = map.claimUp(page + 1, end - page - 1);
        transfer.claimed(page - down, down + 1 + up);
        return true;
    }
}
