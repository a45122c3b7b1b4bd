// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.time.Duration;

/** What the owner of a machine should know about its missing pages. */
public sealed interface PagingEvent {

    /**
     * A thread has waited for its page for longer than the deadline. It goes on waiting; {@code
     * policy} is what the configuration wants the machine to do about it.
     *
     * @param gpa guest-physical address of the page
     * @param threadId the thread that waits, as {@code gettid} gives it
     */
    record Overdue(long gpa, int threadId, Duration waited, OverduePolicy policy)
            implements PagingEvent {}

    /** The source cannot be reached; faults stay pending and are asked for again. */
    record SourceAway() implements PagingEvent {}

    /** The source brings pages again. */
    record SourceBack() implements PagingEvent {}

    /**
     * Pages will never come: the source says so. A vCPU that touches one waits until the machine is
     * ended.
     */
    record Lost(long gpa, int pages) implements PagingEvent {}

    /** All of guest memory is there. */
    record Complete() implements PagingEvent {}

    /**
     * Something in the service or in its source has failed: the kernel has refused a page, or the
     * source has thrown. What it was about is tried again; no page is lost by it.
     */
    record Failed(Throwable cause) implements PagingEvent {}

    /**
     * A thread of the service has died: faults are not served from here on. A machine ends itself
     * when it hears this.
     *
     * @param thread what the thread was for
     */
    record ServiceDied(String thread) implements PagingEvent {}
}
