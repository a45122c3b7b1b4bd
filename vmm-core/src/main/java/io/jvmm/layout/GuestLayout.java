// SPDX-License-Identifier: Apache-2.0
package io.jvmm.layout;

import java.util.List;

/**
 * The guest-physical map: who owns which addresses.
 *
 * <p>Three areas. Below 1 MiB lie the structures that the loader leaves for the kernel, at the
 * places where a PC's firmware would leave them. From 1 MiB to the hole lies ordinary memory: the
 * kernel at its bottom, the initial RAM disk at its top. The hole, the last GiB below 4 GiB, is for
 * devices; memory that does not fit below it continues at 4 GiB.
 *
 * <p>All areas that the monitor claims are listed in {@link #AREAS}; a test holds that no two
 * overlap.
 */
public final class GuestLayout {

    /** The unit in which guest memory is laid out: one x86 page, in bytes. */
    public static final long PAGE_SIZE = 4096;

    /**
     * Real-mode interrupt vectors and BIOS data area. No firmware fills it, but Linux keeps the
     * first page to itself and old software reads it, so nothing is put here.
     */
    public static final long REAL_MODE_AREA = 0x0000;

    /** Size of {@link #REAL_MODE_AREA} in bytes. */
    public static final long REAL_MODE_AREA_SIZE = PAGE_SIZE;

    /** Global descriptor table that the boot processor starts with; the kernel loads its own. */
    public static final long GDT = 0x1000;

    /** Size of the area at {@link #GDT} in bytes. */
    public static final long GDT_SIZE = PAGE_SIZE;

    /** {@code hvm_start_info}, its module list and memory map, for kernels entered by PVH. */
    public static final long PVH_START_INFO = 0x2000;

    /** Size of the area at {@link #PVH_START_INFO} in bytes. */
    public static final long PVH_START_INFO_SIZE = PAGE_SIZE;

    /** Lowest byte of the boot stack. Linux brings its own; bare-metal guests may rely on it. */
    public static final long BOOT_STACK = 0x3000;

    /** Size of the boot stack in bytes. */
    public static final long BOOT_STACK_SIZE = 0x4000;

    /** Stack pointer at entry: one past the boot stack, which grows down. */
    public static final long BOOT_STACK_TOP = BOOT_STACK + BOOT_STACK_SIZE;

    /** {@code struct boot_params} of the Linux boot protocol, one page. */
    public static final long ZERO_PAGE = 0x7000;

    /** Size of {@link #ZERO_PAGE} in bytes. */
    public static final long ZERO_PAGE_SIZE = PAGE_SIZE;

    /**
     * Page tables of the 64-bit entry: one PML4, one PDPT and four page directories of 2 MiB pages,
     * which map the first 4 GiB one to one.
     */
    public static final long PAGE_TABLES = 0x9000;

    /** Size of {@link #PAGE_TABLES} in bytes: six pages. */
    public static final long PAGE_TABLES_SIZE = 6 * PAGE_SIZE;

    /** The kernel command line, ended by a zero byte. */
    public static final long COMMAND_LINE = 0x1_0000;

    /** Room for the command line and its zero byte; kernels today take at most 2 KiB to 4 KiB. */
    public static final long COMMAND_LINE_SIZE = 0x1_0000;

    /**
     * End of the base memory that a guest may use freely. The last KiB below 640 KiB is where a PC
     * keeps its extended BIOS data area and where Linux looks for an MP table by itself.
     */
    public static final long BASE_MEMORY_END = 0x9_FC00;

    /** The extended BIOS data area: reserved in the memory map, empty. */
    public static final long EBDA = BASE_MEMORY_END;

    /** Size of {@link #EBDA} in bytes. */
    public static final long EBDA_SIZE = 0x400;

    /**
     * ACPI tables, the RSDP first. It lies in the BIOS read-only area, so that a kernel which is
     * not told where the RSDP is finds it by scanning 0xE0000 to 0xFFFFF (ACPI 6.5, 5.2.5.1).
     */
    public static final long ACPI_TABLES = 0xE_0000;

    /** Room for the ACPI tables in bytes. The MADT takes most of it: 8 or 16 bytes per vCPU. */
    public static final long ACPI_TABLES_SIZE = 0x1_0000;

    /** MP floating pointer and table, in the 64 KiB that MP 1.4 lets a kernel scan. */
    public static final long MP_TABLE = 0xF_0000;

    /** Room for the MP table in bytes. */
    public static final long MP_TABLE_SIZE = 0x1_0000;

    /** Lowest address at which a kernel may be loaded; all below belongs to the areas above. */
    public static final long KERNEL_MIN = 0x10_0000;

    /**
     * Start of the hole for devices. At 3 GiB as on most PC machine models: room for a GiB of
     * devices, and 32-bit addresses still reach most memory.
     */
    public static final long MMIO_HOLE = 0xC000_0000L;

    /** End of the hole and start of the memory that does not fit below it. */
    public static final long HIGH_MEMORY = 0x1_0000_0000L;

    /** Size of the hole in bytes. */
    public static final long MMIO_HOLE_SIZE = HIGH_MEMORY - MMIO_HOLE;

    /**
     * Registers of virtio devices, one page each; a range of its own, away from the fixed chips.
     */
    public static final long VIRTIO_MMIO = 0xD000_0000L;

    /** Size of the area at {@link #VIRTIO_MMIO} in bytes. */
    public static final long VIRTIO_MMIO_SIZE = 0x100_0000;

    /**
     * Registers of devices without a place of their own, which are given one here when their
     * machine is made.
     */
    public static final long ASSIGNED_MMIO = 0xD100_0000L;

    /** Size of the area at {@link #ASSIGNED_MMIO} in bytes. */
    public static final long ASSIGNED_MMIO_SIZE = 0x100_0000;

    /** Where bundled test guests do MMIO; the test that runs them answers, no kernel looks here. */
    public static final long GUEST_TEST_MMIO = 0xE000_0000L;

    /** Size of the area at {@link #GUEST_TEST_MMIO} in bytes: one 2 MiB page of the guest's. */
    public static final long GUEST_TEST_MMIO_SIZE = 0x20_0000;

    /** Registers of the I/O APIC, which is in the kernel (KVM fixes this address). */
    public static final long IOAPIC = 0xFEC0_0000L;

    /** Size of the I/O APIC's register page in bytes. */
    public static final long IOAPIC_SIZE = PAGE_SIZE;

    /** Registers of each vCPU's local APIC, and the MiB in which writes are MSI messages. */
    public static final long LOCAL_APIC = 0xFEE0_0000L;

    /** Size of the local APIC and MSI range in bytes. */
    public static final long LOCAL_APIC_SIZE = 0x10_0000;

    /**
     * The page with the identity map that KVM uses for real mode on Intel hosts without
     * unrestricted guest ({@code KVM_SET_IDENTITY_MAP_ADDR}). Inside the hole, directly below the
     * pages of {@link #KVM_TSS}; nothing of ours may lie there.
     */
    public static final long KVM_IDENTITY_MAP = 0xFFFB_C000L;

    /** Size of {@link #KVM_IDENTITY_MAP} in bytes. */
    public static final long KVM_IDENTITY_MAP_SIZE = PAGE_SIZE;

    /** Three pages for KVM's task state segment on Intel hosts ({@code KVM_SET_TSS_ADDR}). */
    public static final long KVM_TSS = 0xFFFB_D000L;

    /** Size of {@link #KVM_TSS} in bytes. */
    public static final long KVM_TSS_SIZE = 3 * PAGE_SIZE;

    /** A named range of guest-physical addresses. */
    public record Area(String name, long gpa, long size) {
        /** First address after the area. */
        public long end() {
            return gpa + size;
        }
    }

    /** Every area that the monitor claims, in ascending order. */
    public static final List<Area> AREAS =
            List.of(
                    new Area("real-mode area", REAL_MODE_AREA, REAL_MODE_AREA_SIZE),
                    new Area("GDT", GDT, GDT_SIZE),
                    new Area("PVH start info", PVH_START_INFO, PVH_START_INFO_SIZE),
                    new Area("boot stack", BOOT_STACK, BOOT_STACK_SIZE),
                    new Area("zero page", ZERO_PAGE, ZERO_PAGE_SIZE),
                    new Area("page tables", PAGE_TABLES, PAGE_TABLES_SIZE),
                    new Area("command line", COMMAND_LINE, COMMAND_LINE_SIZE),
                    new Area("EBDA", EBDA, EBDA_SIZE),
                    new Area("ACPI tables", ACPI_TABLES, ACPI_TABLES_SIZE),
                    new Area("MP table", MP_TABLE, MP_TABLE_SIZE),
                    new Area("virtio MMIO", VIRTIO_MMIO, VIRTIO_MMIO_SIZE),
                    new Area("assigned MMIO", ASSIGNED_MMIO, ASSIGNED_MMIO_SIZE),
                    new Area("guest test MMIO", GUEST_TEST_MMIO, GUEST_TEST_MMIO_SIZE),
                    new Area("I/O APIC", IOAPIC, IOAPIC_SIZE),
                    new Area("local APIC", LOCAL_APIC, LOCAL_APIC_SIZE),
                    new Area("KVM identity map", KVM_IDENTITY_MAP, KVM_IDENTITY_MAP_SIZE),
                    new Area("KVM TSS", KVM_TSS, KVM_TSS_SIZE));

    private GuestLayout() {}
}
