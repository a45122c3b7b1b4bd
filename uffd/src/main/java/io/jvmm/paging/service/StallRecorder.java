// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.StallHistogram;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * How long threads waited for their pages, in powers of two, one histogram per thread. For all
 * threads, without locks; nothing is allocated once each waiting thread was seen.
 */
final class StallRecorder {

    /** Bucket n counts stalls of [2^n, 2^(n+1)) nanoseconds. */
    static final int BUCKETS = 64;

    /** More threads than this share the last histogram, under thread id 0. */
    private static final int MAX_THREADS = 1024;

    private static final int PLACES = 2 * MAX_THREADS;

    private static final class Entry {
        private static final int TOTAL = BUCKETS;
        private static final int MAX = BUCKETS + 1;

        final int threadId;
        private final AtomicLongArray values = new AtomicLongArray(BUCKETS + 2);

        Entry(int threadId) {
            this.threadId = threadId;
        }

        void record(long nanos) {
            values.getAndIncrement(Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos));
            values.getAndAdd(TOTAL, nanos);
            long max = values.get(MAX);
            while (nanos > max && !values.compareAndSet(MAX, max, nanos)) {
                max = values.get(MAX);
            }
        }

        StallHistogram histogram() {
            long[] counts = new long[BUCKETS];
            for (int bucket = 0; bucket < BUCKETS; bucket++) {
                counts[bucket] = values.get(bucket);
            }
            List<Long> list = Arrays.stream(counts).boxed().toList();
            return new StallHistogram(threadId, list, values.get(TOTAL), values.get(MAX));
        }
    }

    // From the place that its thread id names on, the first that was free.
    private final AtomicReferenceArray<Entry> entries = new AtomicReferenceArray<>(PLACES);
    private final Entry others = new Entry(0);
    // Guarded by this.
    private int threads;

    void record(int threadId, long nanos) {
        Entry entry = find(threadId);
        (entry == null ? add(threadId) : entry).record(Math.max(1, nanos));
    }

    private @Nullable Entry find(int threadId) {
        int place = threadId & (PLACES - 1);
        Entry entry = entries.get(place);
        while (entry != null && entry.threadId != threadId) {
            place = next(place);
            entry = entries.get(place);
        }
        return entry;
    }

    private synchronized Entry add(int threadId) {
        Entry known = find(threadId);
        if (known != null) {
            return known;
        }
        if (threads == MAX_THREADS) {
            return others;
        }
        Entry entry;
        try {
            entry = new Entry(threadId);
        } catch (OutOfMemoryError _) {
            return others;
        }
        threads++;
        int place = threadId & (PLACES - 1);
        while (!entries.compareAndSet(place, null, entry)) {
            place = next(place);
        }
        return entry;
    }

    private static int next(int place) {
        return (place + 1) & (PLACES - 1);
    }

    List<StallHistogram> histograms() {
        List<StallHistogram> histograms = new ArrayList<>();
        for (int place = 0; place < PLACES; place++) {
            Entry entry = entries.get(place);
            if (entry != null) {
                histograms.add(entry.histogram());
            }
        }
        StallHistogram rest = others.histogram();
        if (rest.count() > 0) {
            histograms.add(rest);
        }
        return histograms;
    }
}
