// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

/**
 * Knows which threads wait for a page of guest memory that is not there.
 *
 * <p>Thread-safe; must not block.
 */
@FunctionalInterface
public interface PageWaits {

    /** For a machine whose memory is all there. */
    PageWaits NONE = threadId -> false;

    /**
     * Whether a thread is known to wait for a missing page at this moment. A message about a page
     * that has come meanwhile must not count, or a vCPU that runs would be taken for one that
     * waits.
     *
     * @param threadId the kernel's number of the thread, {@link VcpuThread#threadId}
     */
    boolean isWaiting(int threadId);
}
