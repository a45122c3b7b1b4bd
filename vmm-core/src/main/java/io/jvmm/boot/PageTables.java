// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

/**
 * Page tables at a 64-bit entry: the first 4 GiB one to one in pages of 2 MiB, for supervisor use.
 * That covers all that the Linux boot protocol wants mapped, and the devices in the hole; kernels
 * map the rest themselves.
 */
final class PageTables {

    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long LARGE = 1 << 7;

    private static final long LARGE_PAGE = 2 << 20;
    private static final int ENTRIES = 512;
    private static final int DIRECTORIES = 4;

    private PageTables() {}

    /** Writes the tables and returns what CR3 must hold. */
    static long write(GuestMemory memory) {
        long pml4 = GuestLayout.PAGE_TABLES;
        long pdpt = pml4 + GuestLayout.PAGE_SIZE;
        long directories = pdpt + GuestLayout.PAGE_SIZE;
        memory.writeU64(pml4, pdpt | PRESENT | WRITABLE | ACCESSED);
        for (int i = 0; i < DIRECTORIES; i++) {
            long directory = directories + i * GuestLayout.PAGE_SIZE;
            memory.writeU64(pdpt + 8L * i, directory | PRESENT | WRITABLE | ACCESSED);
            for (int j = 0; j < ENTRIES; j++) {
                long page = ((long) i * ENTRIES + j) * LARGE_PAGE;
                memory.writeU64(
                        directory + 8L * j, page | PRESENT | WRITABLE | ACCESSED | DIRTY | LARGE);
            }
        }
        return pml4;
    }
}
