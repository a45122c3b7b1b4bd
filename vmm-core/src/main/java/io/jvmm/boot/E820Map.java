// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.util.ArrayList;
import java.util.List;

/**
 * The memory map as firmware would give it: which addresses a kernel may use.
 *
 * @param entries in ascending order, none overlapping
 */
record E820Map(List<Entry> entries) {

    /** Ordinary memory. */
    static final int RAM = 1;

    /** Not to be touched, nor given to devices. */
    static final int RESERVED = 2;

    record Entry(long gpa, long size, int type) {}

    /**
     * The map of a guest with this memory, whose first region begins at 0 and holds at least the
     * first MiB.
     */
    static E820Map of(GuestMemory memory) {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(0, GuestLayout.BASE_MEMORY_END, RAM));
        entries.add(new Entry(GuestLayout.EBDA, GuestLayout.EBDA_SIZE, RESERVED));
        // ACPI and MP tables; between 640 KiB and here, a PC has its display.
        entries.add(between(GuestLayout.ACPI_TABLES, GuestLayout.KERNEL_MIN, RESERVED));
        long hole = GuestLayout.KVM_IDENTITY_MAP;
        long holeEnd = GuestLayout.KVM_TSS + GuestLayout.KVM_TSS_SIZE;
        boolean holeListed = false;
        for (MemoryRegion region : memory.regions()) {
            if (region.gpa() > hole && !holeListed) {
                entries.add(between(hole, holeEnd, RESERVED));
                holeListed = true;
            }
            long start = Math.max(region.gpa(), GuestLayout.KERNEL_MIN);
            entries.add(between(start, region.end(), RAM));
        }
        if (!holeListed) {
            entries.add(between(hole, holeEnd, RESERVED));
        }
        return new E820Map(List.copyOf(entries));
    }

    private static Entry between(long start, long end, int type) {
        return new Entry(start, end - start, type);
    }
}
