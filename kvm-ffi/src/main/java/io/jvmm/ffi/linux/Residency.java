// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Which pages of this process's memory are there, and the bringing of those that are not, by
 * address and without touching them: a thread that waits in one of these calls does not hold up a
 * garbage collection, as one that touches a missing page does.
 */
public final class Residency {

    private static final long PAGE_BYTES = 4096;

    private Residency() {}

    /**
     * Whether all of a range can be read without waiting for a userfaultfd or a disk ({@code
     * mincore(2)}). Pages that were swapped out count as missing.
     *
     * @param address a multiple of the page size
     * @param length bytes, more than 0, a multiple of the page size
     * @throws KernelException {@code ENOMEM} if a part of it is not mapped
     */
    public static boolean isResident(long address, long length) {
        MemorySegment vector = Linux.scratch();
        long batch = Linux.SCRATCH_BYTES * PAGE_BYTES;
        for (long done = 0; done < length; done += batch) {
            long bytes = Math.min(batch, length - done);
            KernelException.check(
                    "mincore", Linux.call(Nr.MINCORE, address + done, bytes, vector.address()));
            for (long page = 0; page < bytes / PAGE_BYTES; page++) {
                if ((vector.get(JAVA_BYTE, page) & 1) == 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /**
     * Makes every page of a range readable ({@code MADV_POPULATE_READ}, Linux 5.14), and waits for
     * those that a userfaultfd is to supply. No signal interrupts that.
     *
     * @return 0 or {@code -errno}: {@code EFAULT} or {@code EHWPOISON} if a page cannot be had,
     *     {@code ENOMEM} if a part of the range is not mapped, {@code EINVAL} if the kernel is too
     *     old
     */
    public static int tryPopulate(long address, long length) {
        return (int) Linux.call(Nr.MADVISE, address, length, Advice.POPULATE_READ.number());
    }
}
