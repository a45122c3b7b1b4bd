// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

/**
 * {@code struct hvm_start_info}, which a kernel entered by the PVH boot protocol finds through EBX
 * (Xen's public header {@code arch-x86/hvm/start_info.h}).
 */
final class PvhStartInfo {

    private static final long BASE = GuestLayout.PVH_START_INFO;
    private static final int MAGIC = 0x336E_C578;

    /** Version 1: with memory map. */
    private static final int VERSION = 1;

    private static final long MODULES = BASE + 0x40;
    private static final long MEMORY_MAP = BASE + 0x80;
    private static final int MEMORY_MAP_ENTRY_SIZE = 24;

    private PvhStartInfo() {}

    /** Writes the structure, the initial RAM disk as its only module, and the memory map. */
    static void write(GuestMemory memory, Placed placed, E820Map map, long rsdp) {
        memory.writeU32(BASE, MAGIC);
        memory.writeU32(BASE + 4, VERSION);
        if (placed.initrdSize() != 0) {
            memory.writeU32(BASE + 12, 1);
            memory.writeU64(BASE + 16, MODULES);
            memory.writeU64(MODULES, placed.initrd());
            memory.writeU64(MODULES + 8, placed.initrdSize());
        }
        memory.writeU64(BASE + 24, placed.commandLine());
        memory.writeU64(BASE + 32, rsdp);
        memory.writeU64(BASE + 40, MEMORY_MAP);
        memory.writeU32(BASE + 48, map.entries().size());
        long end = MEMORY_MAP + (long) map.entries().size() * MEMORY_MAP_ENTRY_SIZE;
        if (end > BASE + GuestLayout.PVH_START_INFO_SIZE) {
            throw new BootException("The guest's memory has too many regions for its memory map");
        }
        long at = MEMORY_MAP;
        for (E820Map.Entry entry : map.entries()) {
            memory.writeU64(at, entry.gpa());
            memory.writeU64(at + 8, entry.size());
            memory.writeU32(at + 16, entry.type());
            at += MEMORY_MAP_ENTRY_SIZE;
        }
    }
}
