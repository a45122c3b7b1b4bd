package io.jvmm.paging;

import io.jvmm.paging.PagingStatistics.Cause;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What to bring that nobody waits for: first the recorded working set, then what follows the last
 * faults, then everything else in order.
 *
 * <p>LOCKS: {@link #next} is synchronized, and calls nothing that locks or waits. Claiming a chunk
 * is quick beside bringing it, and two that claim it at the same time would get a part each,
 * neither of which can be moved into place.
 */
final class Prefetcher {

    private static final int NEIGHBOUR_CHUNKS = 4;

    private final PageStates states;
    private final WorkingSet workingSet;
    private final boolean sweep;
    // Guarded by this.
    private int replayed;
    private int swept;
    // The last chunk in which there was a fault, and how far ahead of it was looked since.
    private volatile int faulted = PageStates.NONE;
    private final AtomicInteger distance = new AtomicInteger(NEIGHBOUR_CHUNKS);

    Prefetcher(PageStates states, WorkingSet workingSet, boolean sweep) {
        this.states = states;
        this.workingSet = workingSet;
        this.sweep = sweep;
    }

    /** There was a fault in this page. */
    void faulted(int page) {
        int chunk = PageStates.chunk(page);
        if (chunk != faulted) {
            faulted = chunk;
            distance.set(0);
        }
    }

    /**
     * Claims the next pages to bring.
     *
     * @param unit of pages that were wanted in an earlier run
     * @param ahead of pages of which that is not known
     * @return why, or null if there is nothing to do
     */
    @Nullable
    synchronized Cause next(Transfer transfer, int unit, int ahead) {
        if (nextOfWorkingSet(transfer, unit)) {
            return Cause.WORKING_SET;
        }
        if (sweep && nextNeighbour(transfer, ahead)) {
            return Cause.NEIGHBOUR;
        }
        return sweep && nextOfSweep(transfer, ahead) ? Cause.SWEEP : null;
    }

    private boolean nextOfWorkingSet(Transfer transfer, int unit) {
        while (replayed < workingSet.size()) {
            int page = states.memory.ofGpa(workingSet.gpa(replayed++));
            if (page != PageStates.NONE
                    && !states.map.isPresent(page)
                    && states.claimAround(page, unit, transfer)) {
                return true;
            }
        }
        return false;
    }

    private boolean nextNeighbour(Transfer transfer, int unit) {
        int chunk = faulted;
        while (chunk != PageStates.NONE) {
            int next = distance.get();
            if (next >= NEIGHBOUR_CHUNKS || chunk + next >= states.map.chunks()) {
                return false;
            }
            if (nextOfChunk(chunk + next, transfer, unit)) {
                return true;
            }
            distance.compareAndSet(next, next + 1);
            chunk = faulted;
        }
        return false;
    }

    private boolean nextOfSweep(Transfer transfer, int unit) {
        int chunks = states.map.chunks();
        // Once round: what has become empty behind the position is found in the second half.
        for (int step = 0; step <= chunks && !states.map.allPresent(); step++) {
            if (nextOfChunk(swept, transfer, unit)) {
                return true;
            }
            swept = swept + 1 == chunks ? 0 : swept + 1;
        }
        return false;
    }

    private boolean nextOfChunk(int chunk, Transfer transfer, int unit) {
        if (states.map.missing(chunk) == 0) {
            return false;
        }
        int limit = states.memory.endOfChunk(chunk);
        int page = states.memory.firstOfChunk(chunk);
        while (page != PageStates.NONE) {
            page = states.map.nextEmpty(page, limit);
            if (page == limit) {
                return false;
            }
            if (states.claimAround(page, unit, transfer)) {
                return true;
            }
            page++;
        }
        return false;
    }
}
