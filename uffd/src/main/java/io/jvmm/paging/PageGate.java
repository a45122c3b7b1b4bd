// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.time.Duration;

/**
 * Lets Java code touch guest memory. A Java thread that touches a missing page waits in a state in
 * which no collection can begin, while those who would bring the page wait for the collection: the
 * process stands still for good. So whoever wants to touch guest memory asks here first.
 */
public interface PageGate {

    /** Whether all of guest memory is there. One load; while it is true, nothing need be asked. */
    boolean allPresent();

    /**
     * Has pages brought, and waits for them. Afterwards they may be touched by Java code.
     *
     * @param gpa guest-physical address of the first byte
     * @param length in bytes; 0 asks for nothing
     * @throws PagingException if they do not come in time, or not at all
     */
    void populate(long gpa, long length, Duration deadline);

    /**
     * Whether Java code may touch a range at this moment. Waits for nothing: a vCPU's thread that
     * hears no has the page brought as it would for a fault, where a kick reaches it.
     *
     * @param gpa guest-physical address of the first byte
     * @param length in bytes, more than 0
     */
    default boolean isPresent(long gpa, long length) {
        try {
            populate(gpa, length, Duration.ZERO);
            return true;
        } catch (PagingException missing) {
            return false;
        }
    }
}
