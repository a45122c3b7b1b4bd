// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import io.jvmm.layout.GuestLayout;

import java.lang.foreign.MemorySegment;

/**
 * A contiguous range of guest memory and the host memory behind it. The host memory is given to the
 * region and is not handed out again: {@link GuestMemory} alone reaches it.
 */
public final class MemoryRegion {

    private final long gpa;
    private final MemorySegment host;

    /**
     * A region.
     *
     * @param gpa guest-physical address of the first byte, a multiple of 4 KiB
     * @param host the host memory; its size, a non-zero multiple of 4 KiB, is the region's size
     * @throws IllegalArgumentException if a bound is misaligned, or the region is empty or ends
     *     beyond 2^63
     */
    public MemoryRegion(long gpa, MemorySegment host) {
        long size = host.byteSize();
        if (gpa < 0 || gpa % GuestLayout.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    "Memory region at 0x%x does not start on a 4 KiB page".formatted(gpa));
        }
        if (size == 0 || size % GuestLayout.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    "Memory region at 0x%x has %d bytes, which is not a number of 4 KiB pages"
                            .formatted(gpa, size));
        }
        if (size > Long.MAX_VALUE - gpa) {
            throw new IllegalArgumentException(
                    "Memory region at 0x%x of %d bytes ends beyond 2^63".formatted(gpa, size));
        }
        this.gpa = gpa;
        this.host = host;
    }

    /** Guest-physical address of the first byte. */
    public long gpa() {
        return gpa;
    }

    /** Size in bytes. */
    public long size() {
        return host.byteSize();
    }

    /** First guest-physical address after the region. */
    public long end() {
        return gpa + host.byteSize();
    }

    /** The host memory, for the gate. */
    MemorySegment host() {
        return host;
    }
}
