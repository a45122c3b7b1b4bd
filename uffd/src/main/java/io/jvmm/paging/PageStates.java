package io.jvmm.paging;

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
    private volatile boolean anyDropped;
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

    /** These pages were dropped by somebody: they are zero now, and missing. */
    void drop(int first, int count) {
        anyDropped = true;
        dropped.set(first, count);
        map.forget(first, count);
        for (int chunk = chunk(first); chunk <= chunk(first + count - 1); chunk++) {
            fragmented.set(chunk, 1);
        }
    }

    boolean isDropped(int page) {
        return anyDropped && dropped.get(page);
    }

    boolean isDropped(int first, int count) {
        return anyDropped && dropped.nextSet(first, first + count) < first + count;
    }

    /** A huge page cannot be put into this chunk any more. */
    void fragment(int chunk) {
        fragmented.set(chunk, 1);
    }

    boolean isFragmented(int chunk) {
        return fragmented.get(chunk);
    }

    /**
     * Claims a page with as many empty ones around it as there are in its aligned unit.
     *
     * @param unit a power of two
     * @return whether the transfer has got the page
     */
    boolean claimAround(int page, int unit, Transfer transfer) {
        int start = Math.max(page & -unit, memory.firstOfChunk(chunk(page)));
        int end = Math.min((page & -unit) + unit, memory.endOfChunk(chunk(page)));
        if (map.claim(start, end - start)) {
            transfer.claimed(start, end - start);
            return true;
        }
        if (!map.claim(page, 1)) {
            return false;
        }
        int down = map.claimDown(page, page - start);
        int up = map.claimUp(page + 1, end - page - 1);
        transfer.claimed(page - down, down + 1 + up);
        return true;
    }
}
