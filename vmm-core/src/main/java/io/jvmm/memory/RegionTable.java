// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import java.util.Comparator;
import java.util.List;

/**
 * Which region holds an address: sorted regions and, as arrays, their bounds, so that a lookup is a
 * short scan without indirection.
 *
 * <p>Addresses and lengths may come straight from the guest; no sum of them is formed before they
 * are checked.
 */
final class RegionTable {

    private final List<MemoryRegion> regions;
    private final long[] starts;
    private final long[] sizes;

    /**
     * A table of the given regions, in any order.
     *
     * @throws IllegalArgumentException if there is no region or two overlap
     */
    RegionTable(List<MemoryRegion> unsorted) {
        if (unsorted.isEmpty()) {
            throw new IllegalArgumentException("Guest memory needs at least one region");
        }
        regions = unsorted.stream().sorted(Comparator.comparingLong(MemoryRegion::gpa)).toList();
        starts = regions.stream().mapToLong(MemoryRegion::gpa).toArray();
        sizes = regions.stream().mapToLong(MemoryRegion::size).toArray();
        for (int i = 1; i < starts.length; i++) {
            long end = regions.get(i - 1).end();
            if (starts[i] < end) {
                throw new IllegalArgumentException(
                        "Memory region at 0x%x overlaps the one before it, which ends at 0x%x"
                                .formatted(starts[i], end));
            }
        }
    }

    List<MemoryRegion> regions() {
        return regions;
    }

    long sizeBytes() {
        long sum = 0;
        for (long size : sizes) {
            sum += size;
        }
        return sum;
    }

    /** Where in its region an address lies. */
    long offset(int region, long gpa) {
        return gpa - starts[region];
    }

    /** The region that holds all of [gpa, gpa+length), or -1. */
    int find(long gpa, long length) {
        for (int i = 0; i < starts.length; i++) {
            long offset = gpa - starts[i];
            // GUEST: a negative offset or length fails here.
            if (offset >= 0 && length >= 0 && offset <= sizes[i] && length <= sizes[i] - offset) {
                return i;
            }
        }
        return -1;
    }

    /** Whether all of [gpa, gpa+length) lies in regions that follow each other without a gap. */
    boolean contains(long gpa, long length) {
        if (find(gpa, length) >= 0) {
            return true;
        }
        long at = gpa;
        long left = length;
        for (int i = find(at, 1); i >= 0 && left > 0; i = find(at, 1)) {
            long here = Math.min(left, sizes[i] - (at - starts[i]));
            at += here;
            left -= here;
            if (left == 0) {
                return true;
            }
        }
        return false;
    }

    /** Bytes from {@code gpa} to the end of its region. */
    long left(long gpa) {
        int i = find(gpa, 1);
        return sizes[i] - (gpa - starts[i]);
    }
}
