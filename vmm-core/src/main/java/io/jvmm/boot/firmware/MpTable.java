// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;
import io.jvmm.memory.GuestMemory;

/**
 * The table of Intel's MultiProcessor Specification 1.4: processors and interrupt wiring, for
 * kernels that run without ACPI.
 */
public final class MpTable {

    /**
     * Most processors that the table can name: APIC ids have 8 bits, 255 addresses all of them, and
     * the I/O APIC needs one of its own.
     */
    public static final int MAX_CPUS = 254;

    private static final int POINTER_SIZE = 16;
    private static final int POINTER_CHECKSUM = 10;
    private static final int TABLE_LENGTH = 4;
    private static final int TABLE_CHECKSUM = 7;
    private static final int SPECIFICATION = 4;

    private static final int PROCESSOR = 0;
    private static final int BUS = 1;
    private static final int IO_APIC = 2;
    private static final int IO_INTERRUPT = 3;
    private static final int LOCAL_INTERRUPT = 4;

    private static final int ENABLED = 1;
    private static final int BOOT_PROCESSOR = 2;
    private static final int APIC_VERSION = 0x14;
    private static final int IO_APIC_VERSION = 0x11;

    /** Family 6, and an FPU and an APIC; kernels ask CPUID for more. */
    private static final int CPU_SIGNATURE = 0x600;

    private static final int CPU_FEATURES = 1 << 0 | 1 << 9;

    private static final int ISA_BUS = 0;
    private static final int ISA_INTERRUPTS = 16;

    /** The second PIC's line into the first one; no device has it. */
    private static final int CASCADE = 2;

    private static final int INT = 0;
    private static final int NMI = 1;
    private static final int EXT_INT = 3;
    private static final int CONFORMING = 0;

    /** Active high (1 in bits 0 and 1), level-triggered (3 in bits 2 and 3). */
    private static final int HIGH_LEVEL = 1 | 3 << 2;

    private static final int ALL_APICS = 0xFF;

    private MpTable() {}

    /**
     * Writes floating pointer and table at {@link GuestLayout#MP_TABLE} for processors with the
     * APIC ids 0 to {@code cpus}-1; of more than {@link #MAX_CPUS}, the first ones.
     */
    public static void write(GuestMemory memory, int cpus) {
        long table = GuestLayout.MP_TABLE + POINTER_SIZE;
        memory.copyIn(GuestLayout.MP_TABLE, pointer(table));
        memory.copyIn(table, table(Math.min(cpus, MAX_CPUS)));
    }

    private static byte[] pointer(long table) {
        byte[] pointer =
                new TableWriter()
                        .text("_MP_", 4)
                        .u32(table)
                        .u8(1) // length in units of 16 bytes
                        .u8(SPECIFICATION)
                        .u8(0) // checksum
                        .zeros(5) // a table is present; no IMCR
                        .toBytes();
        TableWriter.checksum(pointer, 0, POINTER_SIZE, POINTER_CHECKSUM);
        return pointer;
    }

    private static byte[] table(int cpus) {
        int ioApic = cpus;
        TableWriter entries = new TableWriter();
        int count = 0;
        for (int id = 0; id < cpus; id++) {
            int flags = id == 0 ? ENABLED | BOOT_PROCESSOR : ENABLED;
            entries.u8(PROCESSOR).u8(id).u8(APIC_VERSION).u8(flags);
            entries.u32(CPU_SIGNATURE).u32(CPU_FEATURES).zeros(8);
            count++;
        }
        entries.u8(BUS).u8(ISA_BUS).text("ISA", 6);
        entries.u8(IO_APIC).u8(ioApic).u8(IO_APIC_VERSION).u8(ENABLED).u32(GuestLayout.IOAPIC);
        count += 2;
        for (int irq = 0; irq < ISA_INTERRUPTS; irq++) {
            if (irq != CASCADE) {
                int pin = irq == Irqs.PIT ? Irqs.PIT_IOAPIC_PIN : irq;
                int flags = irq == Irqs.SCI ? HIGH_LEVEL : CONFORMING;
                interrupt(entries, IO_INTERRUPT, INT, flags, irq, ioApic, pin);
                count++;
            }
        }
        interrupt(entries, LOCAL_INTERRUPT, EXT_INT, CONFORMING, 0, 0, 0);
        interrupt(entries, LOCAL_INTERRUPT, NMI, CONFORMING, 0, ALL_APICS, 1);
        count += 2;
        return finish(entries, count);
    }

    private static void interrupt(
            TableWriter out, int entry, int type, int flags, int irq, int apic, int pin) {
        out.u8(entry).u8(type).u16(flags).u8(ISA_BUS).u8(irq).u8(apic).u8(pin);
    }

    private static byte[] finish(TableWriter entries, int count) {
        byte[] table =
                new TableWriter()
                        .text("PCMP", 4)
                        .u16(0) // length
                        .u8(SPECIFICATION)
                        .u8(0) // checksum
                        .text(AcpiTable.OEM, 8)
                        .text("VM", 12)
                        .zeros(6) // no OEM table
                        .u16(count)
                        .u32(GuestLayout.LOCAL_APIC)
                        .zeros(4) // no extended table
                        .bytes(entries.toBytes())
                        .toBytes();
        table[TABLE_LENGTH] = (byte) table.length;
        table[TABLE_LENGTH + 1] = (byte) (table.length >>> 8);
        TableWriter.checksum(table, 0, table.length, TABLE_CHECKSUM);
        return table;
    }
}
