// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import java.util.Optional;

/**
 * {@code struct boot_params}, which a kernel entered by the Linux boot protocol finds through RSI
 * (kernel document "Zero Page").
 */
final class ZeroPage {

    private static final long BASE = GuestLayout.ZERO_PAGE;

    private static final int ACPI_RSDP = 0x070;
    private static final int E820_COUNT = 0x1E8;
    private static final int E820_TABLE = 0x2D0;
    private static final int E820_ENTRY_SIZE = 20;
    private static final int E820_MAX = 128;

    /** Loader type without an assigned number. */
    private static final int LOADER_UNDEFINED = 0xFF;

    /** The newest protocol that we know, for kernels that come without a header of their own. */
    private static final int PROTOCOL = 0x020F;

    private static final int DEFAULT_ALIGNMENT = 0x20_0000;

    private ZeroPage() {}

    /**
     * Writes the page. What it does not set stays zero, as guest memory is at first.
     *
     * @param header the kernel's own setup header; a bare ELF file has none
     * @param kernelStart where the kernel was loaded
     * @param rsdp the ACPI root pointer
     */
    static void write(
            GuestMemory memory,
            Optional<SetupHeader> header,
            long kernelStart,
            Placed placed,
            E820Map map,
            long rsdp) {
        if (header.isPresent()) {
            memory.copyIn(BASE + SetupHeader.START, header.get().copy());
        } else {
            memory.writeU16(BASE + SetupHeader.BOOT_FLAG, SetupHeader.BOOT_FLAG_VALUE);
            memory.copyIn(BASE + SetupHeader.MAGIC, new byte[] {'H', 'd', 'r', 'S'});
            memory.writeU16(BASE + SetupHeader.VERSION, PROTOCOL);
            memory.writeU8(BASE + SetupHeader.LOAD_FLAGS, SetupHeader.LOADED_HIGH);
            memory.writeU32(BASE + SetupHeader.INITRD_MAX, Initrd.DEFAULT_MAX);
            memory.writeU32(BASE + SetupHeader.KERNEL_ALIGNMENT, DEFAULT_ALIGNMENT);
            memory.writeU32(BASE + SetupHeader.COMMAND_LINE_SIZE, CommandLine.DEFAULT_MAX);
        }
        memory.writeU8(BASE + SetupHeader.TYPE_OF_LOADER, LOADER_UNDEFINED);
        memory.writeU32(BASE + SetupHeader.CODE32_START, kernelStart);
        memory.writeU32(BASE + SetupHeader.COMMAND_LINE, placed.commandLine());
        memory.writeU32(BASE + SetupHeader.RAMDISK_IMAGE, placed.initrd());
        memory.writeU32(BASE + SetupHeader.RAMDISK_SIZE, placed.initrdSize());
        memory.writeU64(BASE + SetupHeader.SETUP_DATA, 0);
        memory.writeU64(BASE + ACPI_RSDP, rsdp);
        writeMap(memory, map);
    }

    private static void writeMap(GuestMemory memory, E820Map map) {
        if (map.entries().size() > E820_MAX) {
            throw new BootException("The guest's memory has too many regions for its memory map");
        }
        memory.writeU8(BASE + E820_COUNT, map.entries().size());
        long at = BASE + E820_TABLE;
        for (E820Map.Entry entry : map.entries()) {
            memory.writeU64(at, entry.gpa());
            memory.writeU64(at + 8, entry.size());
            memory.writeU32(at + 16, entry.type());
            at += E820_ENTRY_SIZE;
        }
    }
}
