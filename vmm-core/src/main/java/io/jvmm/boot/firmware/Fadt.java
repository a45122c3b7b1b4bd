// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;

/**
 * The fixed ACPI description table (ACPI 6.5, 5.2.9): power management registers, reset register,
 * and what of a PC's legacy is there.
 *
 * <p>The machine has the fixed hardware: PM1a event and control blocks, and with them the power
 * button. It has no SMI command, so it is in ACPI mode from the start; no PM timer, since guests
 * have better clocks; and no general purpose events.
 */
final class Fadt {

    private static final int REVISION = 6;
    private static final int MINOR_REVISION = 5;

    /** Preferred profile: unspecified. */
    private static final int PROFILE = 0;

    /** Latencies above 100 and 1000 microseconds say that C2 and C3 are not supported. */
    private static final int NO_C2 = 101;

    private static final int NO_C3 = 1001;

    /** Index of the century in the CMOS clock, where PCs have it. */
    private static final int CMOS_CENTURY = 0x32;

    /** Devices at fixed ISA addresses are there (bit 0); VGA is not (bit 2). */
    private static final int BOOT_ARCHITECTURE = 1 << 0 | 1 << 2;

    private static final int WBINVD = 1 << 0;
    private static final int C1_ON_ALL = 1 << 2;

    /** The sleep button is not a fixed one; there is none. */
    private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;

    /** The clock's alarm cannot wake through a fixed register. */
    private static final int NO_FIXED_CLOCK_WAKE = 1 << 6;

    private static final int RESET_REGISTER = 1 << 10;

    private static final int FLAGS =
            WBINVD | C1_ON_ALL | NO_FIXED_SLEEP_BUTTON | NO_FIXED_CLOCK_WAKE | RESET_REGISTER;

    private static final int IO_SPACE = 1;
    private static final int ACCESS_BYTE = 1;
    private static final int ACCESS_WORD = 2;

    private Fadt() {}

    /** Builds the table for the FACS and DSDT at these guest-physical addresses below 4 GiB. */
    static byte[] build(long facs, long dsdt) {
        TableWriter out = AcpiTable.begin("FACP", REVISION);
        out.u32(facs).u32(dsdt).u8(0).u8(PROFILE);
        out.u16(Irqs.SCI);
        out.u32(0).zeros(4); // SMI command, and what it would be given
        out.u32(Ports.ACPI_PM1A_EVENT).u32(0);
        out.u32(Ports.ACPI_PM1A_CONTROL).u32(0);
        out.zeros(16); // PM2, PM timer, GPE 0 and 1
        out.u8(Ports.ACPI_PM1A_EVENT_SIZE).u8(Ports.ACPI_PM1A_CONTROL_SIZE);
        out.zeros(6); // sizes of those that are not there, GPE 1 base, C-state command
        out.u16(NO_C2).u16(NO_C3);
        out.zeros(4); // cache flush by reading; WBINVD works
        out.zeros(2); // clock throttling
        out.zeros(2).u8(CMOS_CENTURY); // no day alarm, no month alarm
        out.u16(BOOT_ARCHITECTURE).u8(0);
        out.u32(FLAGS);
        register(out, Ports.RESET, 1, ACCESS_BYTE);
        out.u8(Ports.RESET_VALUE);
        out.u16(0).u8(MINOR_REVISION);
        out.u64(0); // 64-bit FACS address: zero, the 32-bit one holds
        out.u64(dsdt);
        register(out, Ports.ACPI_PM1A_EVENT, Ports.ACPI_PM1A_EVENT_SIZE, ACCESS_WORD);
        out.zeros(12);
        register(out, Ports.ACPI_PM1A_CONTROL, Ports.ACPI_PM1A_CONTROL_SIZE, ACCESS_WORD);
        out.zeros(12);
        out.zeros(4 * 12); // PM2, PM timer, GPE 0 and 1 again
        out.zeros(2 * 12); // sleep control and status, of machines without fixed hardware
        out.text(AcpiTable.OEM, 8); // hypervisor vendor
        return AcpiTable.finish(out);
    }

    /** A generic address structure for {@code size} ports. */
    private static void register(TableWriter out, int port, int size, int access) {
        out.u8(IO_SPACE).u8(8 * size).u8(0).u8(access).u64(port);
    }
}
