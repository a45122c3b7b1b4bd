// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

/**
 * A contiguous piece of guest memory and where it is mapped in this process.
 *
 * @param gpa guest-physical address of the first byte, a multiple of 4 KiB
 * @param hva host-virtual address of the same byte, a multiple of 4 KiB
 * @param length in bytes, a positive multiple of 4 KiB
 */
public record GuestRange(long gpa, long hva, long length) {

    private static final long PAGE = 4096;

    /**
     * Checks alignment and overflow.
     *
     * @throws IllegalArgumentException if a bound is misaligned, the range empty or too high
     */
    public GuestRange {
        if ((gpa | hva | length) % PAGE != 0) {
            throw new IllegalArgumentException(
                    "Guest range at 0x%x, 0x%x bytes at 0x%x, is not of whole 4 KiB pages"
                            .formatted(gpa, length, hva));
        }
        if (gpa < 0 || hva <= 0 || length <= 0) {
            throw new IllegalArgumentException(
                    "Guest range at 0x%x, 0x%x bytes at 0x%x, is empty or out of range"
                            .formatted(gpa, length, hva));
        }
        if (length > Long.MAX_VALUE - Math.max(gpa, hva)) {
            throw new IllegalArgumentException(
                    "Guest range at 0x%x, 0x%x bytes at 0x%x, ends beyond 2^63"
                            .formatted(gpa, length, hva));
        }
    }

    /** First guest-physical address after the range. */
    public long endGpa() {
        return gpa + length;
    }

    /** First host-virtual address after the range. */
    public long endHva() {
        return hva + length;
    }
}
