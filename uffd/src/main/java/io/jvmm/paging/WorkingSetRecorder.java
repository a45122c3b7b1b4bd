package io.jvmm.paging;

import java.util.concurrent.atomic.AtomicInteger;

/** Notes pages in the order in which they were first wanted, as many as there is room for. */
final class WorkingSetRecorder {

    private static final int CAPACITY = 1 << 16;

    private final long[] gpas = new long[CAPACITY];
    private final AtomicInteger used = new AtomicInteger();

    /** The page was wanted for the first time. */
    void wanted(long gpa) {
        int at = used.get() < CAPACITY ? used.getAndIncrement() : CAPACITY;
        if (at < CAPACITY) {
            gpas[at] = gpa;
        }
    }

    /** What was noted so far. Pages that are being noted at this moment may be missing from it. */
    WorkingSet recorded() {
        int count = Math.min(used.get(), CAPACITY);
        long[] noted = new long[count];
        System.arraycopy(gpas, 0, noted, 0, count);
        return new WorkingSet(noted);
    }
}
