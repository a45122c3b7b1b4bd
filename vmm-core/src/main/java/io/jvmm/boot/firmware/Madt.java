// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import io.jvmm.layout.GuestLayout;
import io.jvmm.layout.Irqs;

/** The multiple APIC description table (ACPI 6.5, 5.2.12): processors and interrupt controllers. */
final class Madt {

    private static final int REVISION = 5;

    /** The machine also has two 8259 PICs. */
    private static final int PCAT_COMPATIBLE = 1;

    private static final int ENABLED = 1;

    /** APIC ids from here on only fit the x2APIC entries; 255 addresses all processors. */
    static final int X2APIC_FROM = 255;

    private static final int ALL_PROCESSORS = 0xFF;
    private static final long ALL_X2APIC_PROCESSORS = 0xFFFF_FFFFL;

    private static final int LOCAL_APIC = 0;
    private static final int IO_APIC = 1;
    private static final int SOURCE_OVERRIDE = 2;
    private static final int LOCAL_APIC_NMI = 4;
    private static final int LOCAL_X2APIC = 9;
    private static final int LOCAL_X2APIC_NMI = 10;

    private static final int ISA = 0;
    private static final int CONFORMING = 0;

    /** Active high (1 in bits 0 and 1), level-triggered (3 in bits 2 and 3). */
    private static final int HIGH_LEVEL = 1 | 3 << 2;

    /** Local interrupt pin to which the NMI is wired. */
    private static final int LINT1 = 1;

    private Madt() {}

    /** Builds the table for processors with the APIC ids 0 to {@code cpus}-1. */
    static byte[] build(int cpus) {
        TableWriter out = AcpiTable.begin("APIC", REVISION);
        out.u32(GuestLayout.LOCAL_APIC).u32(PCAT_COMPATIBLE);
        for (int id = 0; id < Math.min(cpus, X2APIC_FROM); id++) {
            out.u8(LOCAL_APIC).u8(8).u8(id).u8(id).u32(ENABLED);
        }
        for (int id = X2APIC_FROM; id < cpus; id++) {
            out.u8(LOCAL_X2APIC).u8(16).u16(0).u32(id).u32(ENABLED).u32(id);
        }
        out.u8(IO_APIC).u8(12).u8(0).u8(0).u32(GuestLayout.IOAPIC).u32(0);
        override(out, Irqs.PIT, Irqs.PIT_IOAPIC_PIN, CONFORMING);
        override(out, Irqs.SCI, Irqs.SCI, HIGH_LEVEL);
        out.u8(LOCAL_APIC_NMI).u8(6).u8(ALL_PROCESSORS).u16(CONFORMING).u8(LINT1);
        if (cpus > X2APIC_FROM) {
            out.u8(LOCAL_X2APIC_NMI).u8(12).u16(CONFORMING).u32(ALL_X2APIC_PROCESSORS);
            out.u8(LINT1).zeros(3);
        }
        return AcpiTable.finish(out);
    }

    private static void override(TableWriter out, int irq, int interrupt, int flags) {
        out.u8(SOURCE_OVERRIDE).u8(10).u8(ISA).u8(irq).u32(interrupt).u16(flags);
    }
}
