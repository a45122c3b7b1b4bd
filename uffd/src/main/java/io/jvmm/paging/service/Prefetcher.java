// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.WorkingSet;

import org.jspecify.annotations.Nullable;

/**
 * What to bring that nobody waits for: first the recorded working set, then what follows faults,
 * then everything else in order.
 *
 * <p>LOCKS: {@link #next} is synchronized, and calls nothing that locks or waits. Claiming a chunk
 * is quick beside bringing it, and two that claim it at the same time would get a part each,
 * neither of which can be moved into place.
 */
final class Prefetcher {

    private final PageStates states;
    private final WorkingSet workingSet;
    private final boolean sweep;
    private final boolean follows;
    private final FaultStreams streams = new FaultStreams();
    // Guarded by this.
    private int replayed;
    private int turn;
    private int swept;

    /**
     * @param sweep whether everything is to be brought
     * @param neighbours whether at least what follows faults is
     */
    Prefetcher(PageStates states, WorkingSet workingSet, boolean sweep, boolean neighbours) {
        this.states = states;
        this.workingSet = workingSet;
        this.sweep = sweep;
        follows = sweep || neighbours;
    }

    /**
     * There was a fault in this page.
     *
     * @return whether there may be something to bring that there was not before
     */
    boolean faulted(int page) {
        return follows && streams.faulted(PageStates.chunk(page)) && !sweep;
    }

    /**
     * Claims the next pages to bring.
     *
     * @param unit of pages that were wanted in an earlier run
     * @param ahead of pages of which that is not known
     * @param away whether the source did not bring what it was asked for last: then one place that
     *     it cannot bring must not keep it from all others
     * @return why, or null if there is nothing to do
     */
    @Nullable
    synchronized Cause next(Transfer transfer, int unit, int ahead, boolean away) {
        if (nextOfWorkingSet(transfer, unit)) {
            return Cause.WORKING_SET;
        }
        if (follows && !away && nextNeighbour(transfer, ahead)) {
            return Cause.NEIGHBOUR;
        }
        if (away) {
            swept = swept + 1 == states.map.chunks() ? 0 : swept + 1;
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
        // What comes in any case may as well come from around a fault that stands alone; what would
        // not come otherwise must be worth it.
        int first = sweep ? 0 : FaultStreams.FIRST_STREAM;
        int places = FaultStreams.PLACES - first;
        // None of them waits for the others to end.
        turn++;
        for (int i = 0; i < places; i++) {
            if (nextOfPlace(first + (turn + i & places - 1), transfer, unit)) {
                return true;
            }
        }
        return false;
    }

    private boolean nextOfPlace(int place, Transfer transfer, int unit) {
        int chunk = streams.next(place);
        while (chunk != FaultStreams.NONE && chunk < states.map.chunks()) {
            if (nextOfChunk(chunk, transfer, unit)) {
                return true;
            }
            streams.looked(place, chunk);
            chunk = streams.next(place);
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
