// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** How soon pages are wanted. Sources serve the lower ordinal first. */
public enum Priority {
    /** Somebody waits for one of the pages. */
    URGENT,
    /** Likely to be wanted soon: the neighbourhood of a fault, the recorded working set. */
    PREFETCH,
    /** Wanted some day: the background sweep over all that is missing. */
    SWEEP
}
