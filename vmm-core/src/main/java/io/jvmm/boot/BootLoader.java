// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.boot.firmware.AcpiTables;
import io.jvmm.boot.firmware.MpTable;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

/** Prepares guest memory so that a kernel can be entered. */
public final class BootLoader {

    /** The loader's own structures, and a little room for a kernel. */
    private static final long MEMORY_MIN = 2 * GuestLayout.KERNEL_MIN;

    private BootLoader() {}

    /**
     * Puts kernel, initial RAM disk, command line and all tables into guest memory.
     *
     * <p>Nothing else may use the memory meanwhile. If this fails, the memory's content is
     * undefined.
     *
     * @param memory fresh guest memory, all zeros, with a first region at 0 of at least 2 MiB; what
     *     a kernel expects to be zero is not written
     * @param kernel what to boot; not closed
     * @param config how to boot it; the initial RAM disk is not closed
     * @return where and how the boot processor starts
     * @throws BootException if the kernel, its companions and the memory do not go together
     */
    public static BootPlan load(GuestMemory memory, KernelImage kernel, BootConfig config) {
        long lowMemoryEnd = lowMemoryEnd(memory);
        if (config.cpus() > AcpiTables.MAX_CPUS) {
            throw new BootException(
                    "A guest can have at most %d vCPUs, not %d"
                            .formatted(AcpiTables.MAX_CPUS, config.cpus()));
        }
        LoadedKernel loaded = new KernelLoader(memory, lowMemoryEnd, config.entry()).load(kernel);
        CommandLine.write(
                memory, config.hostWords(), config.commandLine(), loaded.commandLineMax());
        Placed placed = place(memory, loaded, config, lowMemoryEnd);
        MpTable.write(memory, config.cpus());
        long rsdp = describe(memory, config);
        EntryState entry = enter(memory, loaded, placed, rsdp);
        String description =
                "%s; entered at 0x%x (%s)%s"
                                .formatted(
                                        loaded.description(),
                                        loaded.entry(),
                                        loaded.via().label(),
                                        placed.initrdSize() == 0
                                                ? ""
                                                : "; initrd of %s at 0x%x"
                                                        .formatted(
                                                                Sizes.describe(placed.initrdSize()),
                                                                placed.initrd()))
                        + config.initrd()
                                .flatMap(Initrd::unchecked)
                                .map(remark -> ", " + remark)
                                .orElse("");
        return new BootPlan(entry, loaded.via().label(), description);
    }

    private static long describe(GuestMemory memory, BootConfig config) {
        try {
            return AcpiTables.write(memory, config.cpus(), config.devices());
        } catch (IllegalArgumentException e) {
            throw new BootException(
                    "The machine cannot be described by ACPI: " + e.getMessage(), e);
        }
    }

    private static long lowMemoryEnd(GuestMemory memory) {
        MemoryRegion first = memory.regions().getFirst();
        if (first.gpa() != 0 || first.size() < MEMORY_MIN) {
            throw new BootException("Guest memory must begin at 0 with at least 2 MiB");
        }
        return Math.min(first.end(), GuestLayout.MMIO_HOLE);
    }

    private static Placed place(
            GuestMemory memory, LoadedKernel loaded, BootConfig config, long lowMemoryEnd) {
        if (config.initrd().isEmpty()) {
            return new Placed(GuestLayout.COMMAND_LINE, 0, 0);
        }
        Initrd initrd = config.initrd().get();
        long ceiling = Math.min(lowMemoryEnd, loaded.initrdMax() + 1);
        long address = initrd.load(memory, loaded.end(), ceiling);
        return new Placed(GuestLayout.COMMAND_LINE, address, initrd.size());
    }

    private static EntryState enter(
            GuestMemory memory, LoadedKernel loaded, Placed placed, long rsdp) {
        E820Map map = E820Map.of(memory);
        boolean wide = loaded.via() == BootEntry.ELF64 || loaded.via() == BootEntry.BZIMAGE64;
        boolean pvh = loaded.via() == BootEntry.PVH;
        Gdt.write(memory, wide);
        if (pvh) {
            PvhStartInfo.write(memory, placed, map, rsdp);
        } else {
            ZeroPage.write(memory, loaded.header(), loaded.start(), placed, map, rsdp);
        }
        if (wide) {
            return new EntryState.LongMode(
                    loaded.entry(),
                    GuestLayout.ZERO_PAGE,
                    PageTables.write(memory),
                    GuestLayout.GDT,
                    Gdt.LIMIT,
                    GuestLayout.BOOT_STACK_TOP);
        }
        return new EntryState.Protected32(
                loaded.entry(),
                pvh ? 0 : GuestLayout.ZERO_PAGE,
                pvh ? GuestLayout.PVH_START_INFO : 0,
                GuestLayout.GDT,
                Gdt.LIMIT,
                GuestLayout.BOOT_STACK_TOP);
    }
}
