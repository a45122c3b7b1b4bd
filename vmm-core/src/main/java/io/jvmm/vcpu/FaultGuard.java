// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

/**
 * Notices a vCPU that faults for ever: on one page again and again, or on pages that are there all
 * the time. A few in a row are ordinary, since another thread may have brought the page meanwhile,
 * or have dropped it again.
 */
final class FaultGuard {

    /** Faults on one page in a row. */
    static final int SAME = 1_000;

    /** Faults in a row, on whatever pages, all of which were there. */
    static final int FRUITLESS = 20_000;

    private static final long PAGE_MASK = -4096;

    private long last = -1;
    private int same;
    private int fruitless;

    /**
     * Notes a fault.
     *
     * @param present whether the page was there
     * @return whether the vCPU may try again
     */
    boolean admits(long gpa, boolean present) {
        long page = gpa & PAGE_MASK;
        same = page == last ? same + 1 : 0;
        last = page;
        fruitless = present ? fruitless + 1 : 0;
        return same < SAME && fruitless < FRUITLESS;
    }

    /** The vCPU gets on. */
    void reset() {
        last = -1;
        same = 0;
        fruitless = 0;
    }
}
