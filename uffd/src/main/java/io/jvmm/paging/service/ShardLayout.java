// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.GuestRange;

import java.util.ArrayList;
import java.util.List;

/**
 * Divides guest memory among shards: evenly, since vCPUs whose faults meet in one shard queue up
 * behind one lock of the kernel and one reader.
 */
final class ShardLayout {

    /** The length of a shard is a multiple of it, so that no chunk belongs to two. */
    static final long CHUNK_BYTES = 2L << 20;

    /** Each thread that is woken walks over all that wait in the same shard. */
    static final long MOST_BYTES = 2L << 30;

    private ShardLayout() {}

    /**
     * The parts, in the order of the ranges. No part crosses from one range to another, so there
     * can be as many more than wanted as there are ranges.
     *
     * @param count how many parts are wanted; more where one would exceed {@link #MOST_BYTES},
     *     fewer where one would be smaller than {@link #CHUNK_BYTES}
     */
    static List<GuestRange> divide(List<GuestRange> ranges, int count) {
        long total = ranges.stream().mapToLong(GuestRange::length).sum();
        long even = (total / count + CHUNK_BYTES - 1) & -CHUNK_BYTES;
        long most = Math.clamp(even, CHUNK_BYTES, MOST_BYTES);
        List<GuestRange> parts = new ArrayList<>();
        for (GuestRange range : ranges) {
            for (long at = range.hva(); at < range.endHva(); ) {
                // The first part of a range that begins within a chunk is shorter for it.
                long end = Math.min(range.endHva(), (at + most) & -CHUNK_BYTES);
                parts.add(new GuestRange(range.gpa() + (at - range.hva()), at, end - at));
                at = end;
            }
        }
        return parts;
    }
}
