// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.GuestRange;

import java.util.Comparator;
import java.util.List;

/**
 * Numbers the pages of guest memory: from guest-physical or host-virtual address to page number and
 * back. The numbers of a range are consecutive; between ranges there are gaps, so that chunks of
 * 512 numbers are aligned 2 MiB of host-virtual addresses and no two ranges share one.
 */
final class PagedMemory {

    static final int PAGE_SHIFT = 12;

    /** No such page. */
    static final int NONE = -1;

    private static final long CHUNK_BYTES = (long) PresenceMap.CHUNK_PAGES << PAGE_SHIFT;

    private final List<GuestRange> ranges;
    private final long[] gpas;
    private final long[] hvas;
    private final long[] lengths;
    private final int[] firsts;
    private final int pages;

    /**
     * @throws IllegalArgumentException if there is none, two overlap, or all are too large
     */
    PagedMemory(List<GuestRange> given) {
        ranges = given.stream().sorted(Comparator.comparingLong(GuestRange::gpa)).toList();
        if (ranges.isEmpty()) {
            throw new IllegalArgumentException("there is no guest memory");
        }
        requireDisjoint(ranges.stream().mapToLong(GuestRange::gpa).toArray(), "guest");
        requireDisjoint(ranges.stream().mapToLong(GuestRange::hva).toArray(), "host");
        int count = ranges.size();
        gpas = new long[count];
        hvas = new long[count];
        lengths = new long[count];
        firsts = new int[count];
        long next = 0;
        for (int i = 0; i < count; i++) {
            GuestRange range = ranges.get(i);
            gpas[i] = range.gpa();
            hvas[i] = range.hva();
            lengths[i] = range.length();
            long lead = range.hva() % CHUNK_BYTES >> PAGE_SHIFT;
            firsts[i] = Math.toIntExact(next + lead);
            long end = next + lead + (range.length() >> PAGE_SHIFT);
            next = (end + PresenceMap.CHUNK_PAGES - 1) & -PresenceMap.CHUNK_PAGES;
        }
        pages = Math.toIntExact(next);
    }

    private void requireDisjoint(long[] starts, String space) {
        List<Integer> order =
                java.util.stream.IntStream.range(0, starts.length)
                        .boxed()
                        .sorted(Comparator.comparingLong(i -> starts[i]))
                        .toList();
        for (int i = 1; i < order.size(); i++) {
            int below = order.get(i - 1);
            if (starts[order.get(i)] - starts[below] < ranges.get(below).length()) {
                throw new IllegalArgumentException(
                        "guest ranges overlap in %s addresses: %s, %s"
                                .formatted(space, ranges.get(below), ranges.get(order.get(i))));
            }
        }
    }

    List<GuestRange> ranges() {
        return ranges;
    }

    /** Number of page numbers, those in gaps included; whole chunks. */
    int pages() {
        return pages;
    }

    /** The first page number of a range. */
    int first(int range) {
        return firsts[range];
    }

    /** The number of pages of a range. */
    int count(int range) {
        return (int) (lengths[range] >> PAGE_SHIFT);
    }

    /** The page at a host-virtual address, or {@link #NONE}. */
    int ofHva(long hva) {
        return of(hvas, hva);
    }

    /** The page at a guest-physical address, or {@link #NONE}. */
    int ofGpa(long gpa) {
        return of(gpas, gpa);
    }

    /** The range that a host-virtual address lies in, or {@link #NONE}. */
    int rangeOfHva(long hva) {
        return rangeAt(hvas, hva);
    }

    /** The guest-physical address of what lies at a host-virtual address of a range. */
    long gpaOfHva(int range, long hva) {
        return hva - hvas[range] + gpas[range];
    }

    /** The page at a host-virtual address of a range. */
    int ofHva(int range, long hva) {
        return of(hvas, range, hva);
    }

    private int of(long[] starts, long address) {
        int range = rangeAt(starts, address);
        return range == NONE ? NONE : of(starts, range, address);
    }

    private int of(long[] starts, int range, long address) {
        return firsts[range] + (int) ((address - starts[range]) >> PAGE_SHIFT);
    }

    private int rangeAt(long[] starts, long address) {
        for (int i = 0; i < starts.length; i++) {
            long offset = address - starts[i];
            if (offset >= 0 && offset < lengths[i]) {
                return i;
            }
        }
        return NONE;
    }

    /** The range of a page, or {@link #NONE} in a gap. */
    int rangeOf(int page) {
        for (int i = 0; i < firsts.length; i++) {
            int at = page - firsts[i];
            if (at >= 0 && at < count(i)) {
                return i;
            }
        }
        return NONE;
    }

    /** The number behind the last page of the range that a page is in. */
    int endOfRange(int page) {
        int range = rangeOf(page);
        return firsts[range] + count(range);
    }

    long gpa(int page) {
        int range = rangeOf(page);
        return gpas[range] + ((long) (page - firsts[range]) << PAGE_SHIFT);
    }

    long hva(int page) {
        int range = rangeOf(page);
        return hvas[range] + ((long) (page - firsts[range]) << PAGE_SHIFT);
    }

    /** The number of the first page of a chunk that is memory, or {@link #NONE}. */
    int firstOfChunk(int chunk) {
        int start = chunk * PresenceMap.CHUNK_PAGES;
        int range = rangeOfChunk(chunk);
        return range == NONE ? NONE : Math.max(start, firsts[range]);
    }

    /** The number behind the last page of a chunk that is memory. */
    int endOfChunk(int chunk) {
        int end = (chunk + 1) * PresenceMap.CHUNK_PAGES;
        int range = rangeOfChunk(chunk);
        return range == NONE ? NONE : Math.min(end, firsts[range] + count(range));
    }

    private int rangeOfChunk(int chunk) {
        int start = chunk * PresenceMap.CHUNK_PAGES;
        for (int i = 0; i < firsts.length; i++) {
            if (firsts[i] < start + PresenceMap.CHUNK_PAGES && firsts[i] + count(i) > start) {
                return i;
            }
        }
        return NONE;
    }
}
