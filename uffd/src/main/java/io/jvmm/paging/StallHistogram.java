// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.util.Arrays;
import java.util.List;

/**
 * How long a thread waited for its pages: from the moment its fault was read to the moment when the
 * page was in place. What the kernel takes to tell and to wake is not in it.
 *
 * @param threadId as {@code gettid} gives it; 0 in a sum over threads
 * @param counts number of stalls by length: element n counts those of [2^n, 2^(n+1)) nanoseconds
 * @param totalNanos all stalls together
 * @param maxNanos the longest
 */
public record StallHistogram(int threadId, List<Long> counts, long totalNanos, long maxNanos) {

    /** The most elements that {@link #counts} has. */
    private static final int BUCKETS = Long.SIZE;

    /** Makes the list its own. */
    public StallHistogram {
        counts = List.copyOf(counts);
    }

    /** The sum over threads, as a histogram of thread 0. */
    public static StallHistogram sum(List<StallHistogram> threads) {
        long[] counts = new long[BUCKETS];
        long total = 0;
        long max = 0;
        for (StallHistogram thread : threads) {
            for (int i = 0; i < counts.length; i++) {
                counts[i] += thread.counts.get(i);
            }
            total += thread.totalNanos;
            max = Math.max(max, thread.maxNanos);
        }
        return new StallHistogram(0, Arrays.stream(counts).boxed().toList(), total, max);
    }

    /** The number of stalls. */
    public long count() {
        long count = 0;
        for (long bucket : counts) {
            count += bucket;
        }
        return count;
    }

    /**
     * The length in nanoseconds that a part of the stalls does not exceed, rounded up to a power of
     * two, and never above the longest; 0 if there was no stall.
     *
     * @param part 0 to 1: 0.5 for the median
     */
    public long percentileNanos(double part) {
        long rank = (long) Math.ceil(part * count());
        long below = 0;
        for (int i = 0; i < counts.size(); i++) {
            below += counts.get(i);
            if (below >= rank && below > 0) {
                return Math.min(maxNanos, i >= Long.SIZE - 2 ? Long.MAX_VALUE : 2L << i);
            }
        }
        return 0;
    }
}
