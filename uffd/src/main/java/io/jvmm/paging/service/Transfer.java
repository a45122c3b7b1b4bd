// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.Priority;

import java.lang.foreign.MemorySegment;

/**
 * A run of claimed pages on its way from the source into guest memory. Made once and used again and
 * again; between uses it lies in the {@link TransferPool}.
 */
final class Transfer implements PageRequest.Listener {

    /** What becomes of a transfer whose pages are answered. */
    interface Completion {
        void completed(Transfer transfer);
    }

    final PageRequest request = new PageRequest(this);
    final int index;
    private final Completion completion;

    private int first;
    private int count;
    private long startNanos;
    private Cause cause = Cause.SWEEP;
    private volatile int life;
    // Read by threads that look for the transfer of a page; exact only for the owner.
    private volatile boolean active;

    Transfer(int index, Completion completion) {
        this.index = index;
        this.completion = completion;
    }

    /** The pages, which the owner has just claimed. */
    void claimed(int firstPage, int pages) {
        first = firstPage;
        count = pages;
    }

    /** The pages are about to be asked for. Returns the number of this life. */
    int begin(
            long gpa,
            Priority priority,
            Cause why,
            MemorySegment memory,
            long offset,
            long nowNanos) {
        cause = why;
        startNanos = nowNanos;
        request.begin(gpa, count, priority, memory, offset);
        int number = life + 1;
        life = number;
        active = true;
        return number;
    }

    /** Its source has thrown: what is open is to be asked for again. */
    void giveUp(int number) {
        if (life == number && active) {
            request.failed(0, count, PageFailure.AWAY);
        }
    }

    int first() {
        return first;
    }

    int count() {
        return count;
    }

    Cause cause() {
        return cause;
    }

    long startNanos() {
        return startNanos;
    }

    /** Whether it is under way with this page, as far as can be seen from outside. */
    boolean isBringing(int page) {
        int at = page - first;
        return active && at >= 0 && at < count;
    }

    boolean isActive() {
        return active;
    }

    @Override
    public void answered(PageRequest answered) {
        active = false;
        completion.completed(this);
    }
}
