// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.util.List;
import java.util.Map;

/**
 * What a machine's fault service has done so far.
 *
 * @param faults messages about faults, by what became of them
 * @param pagesByCause pages put in place, by why they were fetched
 * @param bytesByPath bytes put in place, by how
 * @param missingPages pages that are not there yet
 * @param lostPages pages that will never come, as the source says; missing too
 * @param waiting threads that wait at this moment
 * @param stallsByThread how long threads waited
 */
public record PagingStatistics(
        Map<Fault, Long> faults,
        Map<Cause, Long> pagesByCause,
        Map<Path, Long> bytesByPath,
        int missingPages,
        int lostPages,
        int waiting,
        List<StallHistogram> stallsByThread) {

    /** What a fault met. */
    public enum Fault {
        /** Nobody was fetching the page. */
        EMPTY,
        /** It was being fetched already. */
        FETCHING,
        /** It had just come. */
        PRESENT,
        /** It had been dropped. */
        DROPPED,
        /** At an address that is not in the service's care. */
        UNKNOWN
    }

    /** Why a page was fetched. */
    public enum Cause {
        /** A thread waits for it, or for another page of its unit. */
        FAULT,
        /** Java code wants to touch it, or another page of its unit. */
        GATE,
        /** It follows pages that were wanted. */
        NEIGHBOUR,
        /** It is in the recorded working set. */
        WORKING_SET,
        /** It was missing. */
        SWEEP,
        /** The source brought it unasked. */
        PUSH
    }

    /** How a page was put in place. */
    public enum Path {
        /** Moved from staging, {@code UFFDIO_MOVE}. */
        MOVE,
        /** Copied, {@code UFFDIO_COPY}. */
        COPY,
        /** The zero page, {@code UFFDIO_ZEROPAGE}. */
        ZERO,
        /** Filled through the alias and mapped, {@code UFFDIO_CONTINUE}. */
        CONTINUE
    }

    /** How many faults have met this. */
    public long faults(Fault kind) {
        return faults.getOrDefault(kind, 0L);
    }

    /** How many pages were fetched for this reason. */
    public long pages(Cause cause) {
        return pagesByCause.getOrDefault(cause, 0L);
    }

    /** How many bytes were put in place in this way. */
    public long bytes(Path path) {
        return bytesByPath.getOrDefault(path, 0L);
    }

    /** How long all threads waited. */
    public StallHistogram stalls() {
        return StallHistogram.sum(stallsByThread);
    }
}
