// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * The pages of guest memory that the monitor itself has written since they were last collected.
 * KVM's dirty log has the pages that vCPUs write, and misses these; whoever saves or moves memory
 * needs both.
 *
 * <p>Pages are 4 KiB. Each region has a bitmap of its own, laid out as KVM's log of a memory slot:
 * bit {@code n} of the little-endian bitmap stands for page {@code n} of the region.
 *
 * <p>Thread-safe. A page that is written while it is collected is reported now or at the next
 * collection, never lost: {@link #mark} comes after the store, and a collector takes the mark
 * before it reads the page.
 */
public final class DirtyPages {

    private static final int PAGE_SHIFT = 12;
    private static final int WORD_SHIFT = 6;
    private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[][] words;

    DirtyPages(List<MemoryRegion> regions) {
        words = new long[regions.size()][];
        for (int i = 0; i < words.length; i++) {
            words[i] = new long[wordsFor(regions.get(i).size())];
        }
    }

    private static int wordsFor(long bytes) {
        return Math.toIntExact(((bytes >>> PAGE_SHIFT) + Long.SIZE - 1) >>> WORD_SHIFT);
    }

    /** Bytes that the bitmap of a region has, a multiple of 8. */
    public long bitmapBytes(int region) {
        return (long) words[region].length * Long.BYTES;
    }

    /** Notes that bytes of a region have been written. Allocates nothing. */
    void mark(int region, long offset, long length) {
        if (length == 0) {
            return;
        }
        // The stores to the page come before the look at its bit: a collector that has cleared
        // the bit before this look reads the page after the stores.
        VarHandle.fullFence();
        long[] bits = words[region];
        long last = (offset + length - 1) >>> PAGE_SHIFT;
        for (long page = offset >>> PAGE_SHIFT; page <= last; page++) {
            int word = (int) (page >>> WORD_SHIFT);
            long bit = 1L << page;
            if (((long) WORD.getOpaque(bits, word) & bit) == 0) {
                long _ = (long) WORD.getAndBitwiseOr(bits, word, bit);
            }
        }
    }

    /**
     * Moves the marks of a region into a bitmap, adding to what is set there.
     *
     * @param region the region's place in {@link GuestMemory#regions}
     * @param bitmap at least {@link #bitmapBytes} bytes, such as KVM's log of the region's slot
     * @return how many pages were marked
     */
    public int collect(int region, MemorySegment bitmap) {
        long[] bits = words[region];
        int pages = 0;
        for (int i = 0; i < bits.length; i++) {
            if ((long) WORD.getOpaque(bits, i) != 0) {
                long taken = (long) WORD.getAndSet(bits, i, 0L);
                long at = (long) i * Long.BYTES;
                bitmap.set(JAVA_LONG_UNALIGNED, at, bitmap.get(JAVA_LONG_UNALIGNED, at) | taken);
                pages += Long.bitCount(taken);
            }
        }
        return pages;
    }
}
