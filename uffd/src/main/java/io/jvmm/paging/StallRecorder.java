package io.jvmm.paging;

import java.util.ArrayList;
import java.util.List;

/**
 * How long threads waited for their pages, in powers of two, one histogram per thread. Nothing is
 * allocated once each thread was seen.
 */
final class StallRecorder {

    /** Bucket n counts stalls of [2^n, 2^(n+1)) nanoseconds. */
    static final int BUCKETS = 64;

    /** More threads than this share the last histogram, under thread id 0. */
    private static final int MAX_THREADS = 1024;

    private static final class Entry {
        final int threadId;
        final long[] counts = new long[BUCKETS];
        long total;
        long max;

        Entry(int threadId) {
            this.threadId = threadId;
        }
    }

    private final List<Entry> entries = new ArrayList<>();

    synchronized void record(int threadId, long nanos) {
        Entry entry = entry(threadId);
        long positive = Math.max(1, nanos);
        entry.counts[Long.SIZE - 1 - Long.numberOfLeadingZeros(positive)]++;
        entry.total += positive;
        entry.max = Math.max(entry.max, positive);
    }

    private Entry entry(int threadId) {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).threadId == threadId) {
                return entries.get(i);
            }
        }
        if (entries.size() >= MAX_THREADS && threadId != 0) {
            return entry(0);
        }
        Entry entry = new Entry(threadId);
        entries.add(entry);
        return entry;
    }

    synchronized List<StallHistogram> histograms() {
        return entries.stream()
                .map(e -> StallHistogram.of(e.threadId, e.counts, e.total, e.max))
                .toList();
    }
}
