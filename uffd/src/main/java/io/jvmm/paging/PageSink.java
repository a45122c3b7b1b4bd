// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import org.jspecify.annotations.Nullable;

/**
 * What a requester offers to its source besides requests. Thread-safe; the methods neither wait nor
 * call the source back.
 */
public interface PageSink {

    /**
     * Asks for a place for pages that the source brings unasked. The result is a request as if it
     * had been made: the source answers every page of it. All of the pages are missing and fetched
     * by nobody else; if one of them is not, or there is no room just now, the offer is declined
     * and the source drops the pages or offers them again later.
     *
     * @param gpa of the first page, a multiple of 4 KiB
     * @param pages 1 to {@link PageRequest#MAX_PAGES}, within one aligned 2 MiB; whole ones are by
     *     far the cheapest
     * @return null to decline
     */
    @Nullable PageRequest offer(long gpa, int pages);

    /** The source can be reached again after it had answered {@link PageFailure#AWAY}. */
    void available();
}
