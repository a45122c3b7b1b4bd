// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.util.List;

/**
 * Supplies guest memory that is not there yet, and knows who waits for it. One per machine.
 *
 * <p>A vCPU that touches a missing page waits in the kernel until the page comes. A signal gets it
 * out where the processor itself took the fault; where the kernel walks the guest's page tables or
 * interprets an instruction, it does not, and the vCPU waits on, executing nothing. Hence a machine
 * asks its pager who waits before it concludes that a vCPU does not answer, and has it let go
 * before it waits for threads to end.
 *
 * <p>Thread-safe; no method blocks for longer than a system call.
 */
public interface Pager extends AutoCloseable {

    /**
     * Takes these ranges into its care: from now on, whoever touches a page of theirs that is not
     * mapped waits for it. Called once, with the whole of guest memory, after the pages that are
     * there from the start were written and before the first vCPU runs.
     */
    void attach(List<GuestRange> ranges);

    /**
     * Whether the thread is known to wait for a missing page at this moment.
     *
     * @param threadId the kernel's number of the thread, as {@code gettid} gives it
     */
    boolean isWaiting(int threadId);

    /**
     * Lets everybody go who waits, for good: what is still missing reads as zero from here on. Only
     * for a machine that ends, whose vCPUs were told to finish before. A second call does nothing.
     */
    void letGo();

    /**
     * Lets go and gives everything back. The machine calls it after its last vCPU and its virtual
     * machine are closed, never before: without the descriptor, missing pages silently read as
     * zero.
     */
    @Override
    void close();
}
