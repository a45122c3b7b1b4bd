// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import java.util.List;

/**
 * The ACPI tables of the machine: RSDP, XSDT, FADT, FACS, MADT and DSDT, one after the other at
 * {@link GuestLayout#ACPI_TABLES}.
 */
public final class AcpiTables {

    /**
     * Most processors for which the tables have room: an 8-byte entry for each of the first 255, 16
     * bytes for every other, and 4 KiB for everything else.
     */
    public static final int MAX_CPUS =
            Madt.X2APIC_FROM
                    + (int) (GuestLayout.ACPI_TABLES_SIZE - 4096 - 8 * Madt.X2APIC_FROM) / 16;

    private static final int RSDP_SIZE = 36;
    private static final int RSDP_SIZE_1_0 = 20;
    private static final int RSDP_REVISION = 2;
    private static final int RSDP_CHECKSUM = 8;
    private static final int RSDP_EXTENDED_CHECKSUM = 32;
    private static final int XSDT_REVISION = 1;
    private static final int FACS_SIZE = 64;
    private static final int FACS_VERSION = 2;

    /** The FACS must lie on a multiple of 64; the others like a cache line as well. */
    private static final int ALIGNMENT = 64;

    private final GuestMemory memory;
    private long next = GuestLayout.ACPI_TABLES;

    private AcpiTables(GuestMemory memory) {
        this.memory = memory;
    }

    /**
     * Writes the tables for processors with the APIC ids 0 to {@code cpus}-1.
     *
     * @param cpus 1 to {@link #MAX_CPUS}
     * @param devices that a kernel is told of, in this order
     * @return guest-physical address of the RSDP
     * @throws IllegalArgumentException if the devices cannot be described, or do not fit
     */
    public static long write(GuestMemory memory, int cpus, List<AcpiDevice> devices) {
        if (cpus < 1 || cpus > MAX_CPUS) {
            throw new IllegalArgumentException(
                    "ACPI tables for %d processors; 1 to %d are possible"
                            .formatted(cpus, MAX_CPUS));
        }
        AcpiTables tables = new AcpiTables(memory);
        long rsdp = tables.reserve(RSDP_SIZE);
        long facs = tables.append(facs());
        long dsdt = tables.append(Dsdt.build(devices));
        long fadt = tables.append(Fadt.build(facs, dsdt));
        long madt = tables.append(Madt.build(cpus));
        long xsdt =
                tables.append(
                        AcpiTable.finish(
                                AcpiTable.begin("XSDT", XSDT_REVISION).u64(fadt).u64(madt)));
        memory.copyIn(rsdp, rsdp(xsdt));
        return rsdp;
    }

    private long append(byte[] table) {
        long gpa = reserve(table.length);
        memory.copyIn(gpa, table);
        return gpa;
    }

    private long reserve(int size) {
        long gpa = next;
        next = (gpa + size + ALIGNMENT - 1) & -ALIGNMENT;
        if (next > GuestLayout.ACPI_TABLES + GuestLayout.ACPI_TABLES_SIZE) {
            throw new IllegalArgumentException(
                    "ACPI tables outgrow their %d bytes: there are too many processors or devices"
                            .formatted(GuestLayout.ACPI_TABLES_SIZE));
        }
        return gpa;
    }

    private static byte[] facs() {
        return new TableWriter()
                .text("FACS", 4)
                .u32(FACS_SIZE)
                .zeros(24) // no hardware signature, waking vector or global lock owner
                .u8(FACS_VERSION)
                .zeros(31)
                .toBytes();
    }

    private static byte[] rsdp(long xsdt) {
        byte[] table =
                new TableWriter()
                        .text("RSD PTR ", 8)
                        .u8(0) // checksum of the part that ACPI 1.0 had
                        .text(AcpiTable.OEM, 6)
                        .u8(RSDP_REVISION)
                        .u32(0) // no RSDT
                        .u32(RSDP_SIZE)
                        .u64(xsdt)
                        .zeros(4)
                        .toBytes();
        TableWriter.checksum(table, 0, RSDP_SIZE_1_0, RSDP_CHECKSUM);
        TableWriter.checksum(table, 0, RSDP_SIZE, RSDP_EXTENDED_CHECKSUM);
        return table;
    }
}
