// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Where memory is gone through upwards, as far as faults tell, in units of chunks; several places
 * at a time, for several vCPUs. A fault that follows no other is a candidate; one that is followed
 * makes a stream, and faults here and there push out candidates only. Thread-safe, without locks;
 * nothing is allocated.
 */
final class FaultStreams {

    /** Places from here on are streams, those before are candidates. */
    static final int FIRST_STREAM = 8;

    static final int PLACES = 16;

    /** How many chunks are looked through at a place, the one of its last fault among them. */
    static final int AHEAD = 4;

    /** No chunk. */
    static final int NONE = -1;

    private static final long UNUSED = -1;
    private static final int HEAD_SHIFT = 32;

    // Of each place: the chunk of its last fault, and how many from there on were looked through.
    private final AtomicLongArray places = new AtomicLongArray(PLACES);
    private final AtomicInteger oldestCandidate = new AtomicInteger();
    private final AtomicInteger oldestStream = new AtomicInteger();
    // Mostly faults follow each other in a chunk.
    private volatile int last = NONE;

    FaultStreams() {
        for (int i = 0; i < PLACES; i++) {
            places.set(i, UNUSED);
        }
    }

    /**
     * There was a fault.
     *
     * @return whether a stream begins or goes on
     */
    boolean faulted(int chunk) {
        if (chunk == last) {
            return false;
        }
        last = chunk;
        for (int place = PLACES - 1; place >= 0; place--) {
            int step = goOn(place, chunk);
            if (step != NONE) {
                return step > 0;
            }
        }
        places.set(oldestCandidate.getAndIncrement() & FIRST_STREAM - 1, place(chunk, 0));
        return false;
    }

    /** Has a place go on to a chunk that may be its next: by how far, or {@link #NONE}. */
    private int goOn(int place, int chunk) {
        while (true) {
            long seen = places.get(place);
            int step = chunk - head(seen);
            if (seen == UNUSED || step < 0 || step > AHEAD) {
                return NONE;
            }
            if (step == 0) {
                return 0;
            }
            long gone = place(chunk, Math.max(0, looked(seen) - step));
            boolean isStream = place >= FIRST_STREAM;
            if (places.compareAndSet(place, seen, isStream ? gone : UNUSED)) {
                if (!isStream) {
                    int streams = PLACES - FIRST_STREAM;
                    int oldest = oldestStream.getAndIncrement() & streams - 1;
                    places.set(FIRST_STREAM + oldest, gone);
                }
                return step;
            }
        }
    }

    /**
     * The next chunk to look through at a place.
     *
     * @return {@link #NONE} if there is none; it may lie behind the end of memory
     */
    int next(int place) {
        long seen = places.get(place);
        return seen != UNUSED && looked(seen) < AHEAD ? head(seen) + looked(seen) : NONE;
    }

    /** Nothing is left to bring in a chunk that was {@link #next} at a place. */
    void looked(int place, int chunk) {
        long seen = places.get(place);
        if (seen != UNUSED && head(seen) + looked(seen) == chunk && looked(seen) < AHEAD) {
            // Whoever is quicker has moved on.
            places.compareAndSet(place, seen, seen + 1);
        }
    }

    private static long place(int head, int looked) {
        return (long) head << HEAD_SHIFT | looked;
    }

    private static int head(long place) {
        return (int) (place >> HEAD_SHIFT);
    }

    private static int looked(long place) {
        return (int) place;
    }
}
