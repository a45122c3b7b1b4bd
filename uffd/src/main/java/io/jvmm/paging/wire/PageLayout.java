// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.util.List;
import java.util.Objects;

/**
 * The memory that two peers talk about: ranges of guest-physical addresses, of whole pages, in
 * ascending order and without overlap. Its pages are numbered from 0 through all ranges, without
 * the gaps between them.
 *
 * <p>Immutable.
 */
public final class PageLayout {

    /** The page size of this version: 4 KiB, whatever backs the memory on either side. */
    public static final int PAGE_BYTES = 4096;

    private final List<Range> ranges;
    private final long[] firstPage;
    private final long pages;

    /**
     * A run of memory.
     *
     * @param gpa guest-physical address of the first byte, a multiple of {@link #PAGE_BYTES}
     * @param length in bytes, a positive multiple of {@link #PAGE_BYTES}
     */
    public record Range(long gpa, long length) {
        /**
         * @throws IllegalArgumentException if it is not of whole pages or ends beyond 2^63
         */
        public Range {
            if (gpa < 0
                    || length <= 0
                    || (gpa | length) % PAGE_BYTES != 0
                    || length > Long.MAX_VALUE - gpa) {
                throw new IllegalArgumentException(
                        "0x%x bytes at 0x%x are no range of pages".formatted(length, gpa));
            }
        }

        /** The first address behind it. */
        public long end() {
            return gpa + length;
        }
    }

    /**
     * @param ranges 1 to 1024, ascending, not overlapping
     * @throws IllegalArgumentException if they are not so, or have 2^34 pages or more
     */
    public PageLayout(List<Range> ranges) {
        if (ranges.isEmpty() || ranges.size() > Wire.MAX_RANGES) {
            throw new IllegalArgumentException(
                    "a layout has 1 to %d ranges, not %d"
                            .formatted(Wire.MAX_RANGES, ranges.size()));
        }
        this.ranges = List.copyOf(ranges);
        firstPage = new long[ranges.size()];
        long count = 0;
        long end = 0;
        for (int i = 0; i < firstPage.length; i++) {
            Range range = ranges.get(i);
            if (range.gpa() < end) {
                throw new IllegalArgumentException(
                        "the range at 0x%x overlaps or precedes the one before"
                                .formatted(range.gpa()));
            }
            end = range.end();
            firstPage[i] = count;
            count += range.length() / PAGE_BYTES;
        }
        if (count >= 1L << 34) {
            throw new IllegalArgumentException(count + " pages are too many");
        }
        pages = count;
    }

    public List<Range> ranges() {
        return ranges;
    }

    /** The number of pages of all ranges. */
    public long pages() {
        return pages;
    }

    /**
     * The number of the page at an address, if this many bytes from there are whole pages of one
     * range.
     *
     * @return the page's number, or -1
     */
    public long page(long gpa, long length) {
        if (gpa < 0 || length <= 0 || (gpa | length) % PAGE_BYTES != 0) {
            return -1;
        }
        int low = 0;
        int high = firstPage.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (ranges.get(middle).gpa() <= gpa) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Range range = ranges.get(low);
        if (gpa < range.gpa() || gpa >= range.end() || length > range.end() - gpa) {
            return -1;
        }
        return firstPage[low] + (gpa - range.gpa()) / PAGE_BYTES;
    }

    /**
     * The address of a page.
     *
     * @param page 0 to {@link #pages()} - 1
     */
    public long gpa(long page) {
        return rangeOf(page).gpa() + (page - firstPage[index(page)]) * PAGE_BYTES;
    }

    /** The range that a page lies in. */
    Range rangeOf(long page) {
        return ranges.get(index(page));
    }

    private int index(long page) {
        Objects.checkIndex(page, pages);
        int low = 0;
        int high = firstPage.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (firstPage[middle] <= page) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PageLayout that && that.ranges.equals(ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }

    /** All ranges in hexadecimal: {@code 0x0-0xc0000000 0x100000000-0x140000000}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Range range : ranges) {
            text.append(text.isEmpty() ? "0x" : " 0x").append(Long.toHexString(range.gpa()));
            text.append("-0x").append(Long.toHexString(range.end()));
        }
        return text.toString();
    }
}
