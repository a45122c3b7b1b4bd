// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.util.Locale;

/**
 * How a vCPU that touches a missing page comes to it.
 *
 * <p>In the first mode it sleeps in the kernel until another thread has put the page in place and
 * wakes it. In the others it leaves the guest and fetches the page itself ({@link SelfService}):
 * nobody is woken, and vCPUs do not queue up at one lock of the kernel.
 */
public enum FaultMode {
    /** It waits in the kernel, by userfaultfd. Works everywhere. */
    BLOCKING,

    /**
     * {@code KVM_EXIT_MEMORY_FAULT} tells the page ({@code UFFD_FEATURE_SIGBUS}). Needs a kernel
     * that fills the exit in for missing pages, and a processor that walks both page tables.
     */
    ANNOTATED,

    /**
     * Missing pages hold a mark ({@code UFFDIO_POISON}, Linux 6.6), and a {@code SIGBUS} for the
     * vCPU's thread tells the address. Needs a processor that walks both page tables.
     */
    POISON;

    /** Whether a vCPU serves its own faults. */
    public boolean isSelfService() {
        return this != BLOCKING;
    }

    /** The name as it is written: {@code annotated}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
