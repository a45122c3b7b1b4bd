// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/** What shall become of a machine one of whose threads waits for a page for too long. */
public enum OverduePolicy {
    /** Nothing; it is told again after another deadline. */
    KEEP_WAITING,
    /** Pause it until the page is there. Told once per fault. */
    PAUSE,
    /** End it. Told once per fault. */
    FAIL
}
