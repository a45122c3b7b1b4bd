// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Memory whose content tells where it belongs: each word holds its own guest-physical address and a
 * seed, but for every zero-th page, which is zero.
 */
final class TestImage implements PageImage {

    static final int PAGE = PageLayout.PAGE_BYTES;

    private static final int WORDS = PAGE / Long.BYTES;

    final Set<Long> broken = ConcurrentHashMap.newKeySet();
    private final SegmentImage image;
    private final Arena arena = Arena.ofShared();

    /** Two ranges with a gap between them, the second above 4 GiB; so many pages in all. */
    static PageLayout layout(int pages) {
        return new PageLayout(
                List.of(
                        new PageLayout.Range(0x10_0000, (pages - pages / 3) * (long) PAGE),
                        new PageLayout.Range(0x1_4000_0000L, pages / 3 * (long) PAGE)));
    }

    TestImage(PageLayout layout) {
        List<MemorySegment> segments = new ArrayList<>();
        for (PageLayout.Range range : layout.ranges()) {
            MemorySegment segment = arena.allocate(range.length(), PAGE);
            for (long at = 0; at < range.length(); at += PAGE) {
                fill(range.gpa() + at, segment.asSlice(at, PAGE));
            }
            segments.add(segment);
        }
        image = new SegmentImage(layout, segments);
    }

    static boolean isZero(long gpa) {
        long page = gpa / PAGE;
        return page % 7 == 0 || page / 32 % 5 == 3;
    }

    private static void fill(long gpa, MemorySegment page) {
        if (!isZero(gpa)) {
            for (int word = 0; word < WORDS; word++) {
                page.setAtIndex(JAVA_LONG, word, word(gpa, word));
            }
        }
    }

    private static long word(long gpa, int word) {
        // Half of it compresses well.
        return word < WORDS / 2 ? gpa : (gpa + word) * 0x9E3779B97F4A7C15L;
    }

    /** Whether a page holds what it should. */
    static boolean isRight(long gpa, MemorySegment page) {
        boolean isZero = isZero(gpa);
        for (int word = 0; word < WORDS; word++) {
            if (page.getAtIndex(JAVA_LONG, word) != (isZero ? 0 : word(gpa, word))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public PageLayout layout() {
        return image.layout();
    }

    @Override
    public void read(long gpa, MemorySegment to) throws IOException {
        for (long at = gpa; at < gpa + to.byteSize(); at += PAGE) {
            if (broken.contains(at)) {
                throw new IOException("the medium is scratched at 0x" + Long.toHexString(at));
            }
        }
        image.read(gpa, to);
    }

    @Override
    public void close() {
        arena.close();
    }
}
