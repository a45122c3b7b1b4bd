// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import org.jspecify.annotations.Nullable;

import java.util.function.BooleanSupplier;

/**
 * Guest memory as a vCPU's thread needs it that was turned away from a page: whoever brings the
 * page, and access to it where the kernel could not have it. For vCPUs of one machine, all at once.
 *
 * <p>Nothing here allocates.
 */
public interface VcpuPages {

    /** What became of a page. */
    enum Answer {
        /** It is there now. */
        BROUGHT,
        /** It was there all the time, and can be written. */
        PRESENT,
        /** Not there yet; the thread is wanted elsewhere. */
        INTERRUPTED,
        /** It cannot be had, though it is memory: the host has lost it, or is short of memory. */
        BROKEN,
        /** No memory of the machine. */
        NO_MEMORY
    }

    /** Whether a bare {@code EFAULT} can be got round by waiting in the kernel instead. */
    boolean canFallBack();

    /**
     * Whether {@code SIGBUS} tells the thread of missing pages, which it must keep blocked then
     * outside of the guest.
     */
    boolean signalsMissing();

    /**
     * Has a page in place that the vCPU could not reach, and waits for it.
     *
     * @param gpa in the page
     * @param threadId the kernel's number of the calling thread
     * @param interrupted whether to give up; looked at whenever the thread is unparked. Null if the
     *     thread cannot, and then {@link PageWaits} tells so
     */
    Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted);

    /** The guest-physical address of a host-virtual one; -1 if it is not guest memory. */
    long gpaOf(long hva);

    /** Whether this range is memory. */
    boolean isMemory(long gpa, int size);

    /**
     * The little-endian value at an address that is memory, zero-extended. Its page is there, or
     * the machine is ending; then it is all-ones.
     */
    long read(long gpa, int size);

    /** Stores the low {@code size} bytes of a value; as {@link #read}. */
    void write(long gpa, int size, long value);
}
