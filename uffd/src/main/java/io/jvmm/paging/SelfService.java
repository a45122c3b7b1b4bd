// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import org.jspecify.annotations.Nullable;

import java.util.function.BooleanSupplier;

/**
 * Lets threads that were turned away from a missing page bring it themselves. They share the states
 * of pages and the source with everybody else: a page is fetched once, whoever asks.
 */
public interface SelfService {

    /** What became of a page. */
    enum Answer {
        /** It is there now. */
        BROUGHT,
        /** It was there before. */
        PRESENT,
        /** Not there yet; the caller is wanted elsewhere. The page goes on coming. */
        INTERRUPTED,
        /** Not there; the pager has released all waiters. */
        ENDED,
        /** Not in the pager's care. */
        UNKNOWN
    }

    /** How vCPUs come to missing pages at this moment. */
    FaultMode mode();

    /**
     * Brings a page, on the calling thread if the source works at once, and waits for it otherwise.
     * Meanwhile it can be overdue.
     *
     * <p>Allocates nothing.
     *
     * @param gpa guest-physical address in the page
     * @param threadId of the caller, as {@code gettid} gives it
     * @param interrupted whether to give up; looked at whenever the thread is unparked. Null if the
     *     thread cannot: only then it counts as waiting ({@link Pager#isWaiting})
     */
    Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted);

    /**
     * Goes over to {@link FaultMode#BLOCKING}, for good. Nothing is lost: what is missing stays
     * missing, and what is under way comes.
     *
     * <p>For a moment missing pages are not tracked: no vCPU may be in the guest, nor any system
     * call of this process in guest memory, from the call to its return.
     */
    void fallBack();
}
