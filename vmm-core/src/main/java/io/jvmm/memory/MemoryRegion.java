package io.jvmm.memory;

import io.jvmm.layout.GuestLayout;

import java.lang.foreign.MemorySegment;

/**
 * A contiguous piece of guest memory and the host memory behind it.
 *
 * @param gpa guest-physical address of the first byte, a multiple of 4 KiB
 * @param host the host memory; its size, a non-zero multiple of 4 KiB, is the region's size
 */
public record MemoryRegion(long gpa, MemorySegment host) {

    /**
     * Checks alignment and that the region ends within 2^63.
     *
     * @throws IllegalArgumentException if a bound is misaligned, the region empty or too high
     */
    public MemoryRegion {
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
    }

    /** Size in bytes. */
    public long size() {
        return host.byteSize();
    }

    /** First guest-physical address after the region. */
    public long end() {
        return gpa + host.byteSize();
    }
}
