// SPDX-License-Identifier: Apache-2.0
package io.jvmm.layout;

import java.util.List;

/**
 * The I/O ports of the machine. Standard devices sit where a PC has them, because kernels look
 * there without asking; ours sit where nothing of a PC ever was.
 */
public final class Ports {

    /** 8042 keyboard controller, data register. Only its reset line is of use here. */
    public static final int I8042_DATA = 0x60;

    /** 8042 keyboard controller, status and command register. */
    public static final int I8042_COMMAND = 0x64;

    /** CMOS clock, index register (bit 7 masks the NMI). */
    public static final int CMOS_INDEX = 0x70;

    /** CMOS clock, data register. */
    public static final int CMOS_DATA = 0x71;

    /** Where firmware reports its progress, and Linux writes to pass a microsecond. */
    public static final int POST_CODE = 0x80;

    /** First serial port (COM1, {@code ttyS0}). */
    public static final int COM1 = 0x3F8;

    /** Number of ports of a 16550. */
    public static final int COM1_SIZE = 8;

    /** Where bundled test guests report to the tests; free on PCs, so no kernel probes it. */
    public static final int GUEST_TEST = 0x500;

    /** Number of ports at {@link #GUEST_TEST}. */
    public static final int GUEST_TEST_SIZE = 4;

    /** pvpanic: a guest in panic writes its last word here. The address QEMU uses, too. */
    public static final int PVPANIC = 0x505;

    /** ACPI PM1a event block: status at +0, enable at +2. */
    public static final int ACPI_PM1A_EVENT = 0x600;

    /** Number of ports of the PM1a event block. */
    public static final int ACPI_PM1A_EVENT_SIZE = 4;

    /** ACPI PM1a control block: sleep type and sleep enable. */
    public static final int ACPI_PM1A_CONTROL = 0x604;

    /** Number of ports of the PM1a control block. */
    public static final int ACPI_PM1A_CONTROL_SIZE = 2;

    /** End of the block of ACPI's fixed hardware, whose last part is the timer. */
    public static final int ACPI_PM_END = 0x60C;

    /** Reset control register, where chipsets have it; the FADT names it as the reset register. */
    public static final int RESET = 0xCF9;

    /** What to write to {@link #RESET}: full reset (bit 2), system reset (bit 1). */
    public static final int RESET_VALUE = 0x06;

    /** Where devices without a traditional place are given theirs. */
    public static final int ASSIGNED = 0xC000;

    /** Number of ports at {@link #ASSIGNED}. */
    public static final int ASSIGNED_SIZE = 0x1000;

    /** A named range of ports. */
    public record Range(String name, int port, int size) {}

    /** Every port range the machine answers, in ascending order. */
    public static final List<Range> RANGES =
            List.of(
                    new Range("i8042 data", I8042_DATA, 1),
                    new Range("i8042 command", I8042_COMMAND, 1),
                    new Range("CMOS", CMOS_INDEX, 2),
                    new Range("POST code", POST_CODE, 1),
                    new Range("COM1", COM1, COM1_SIZE),
                    new Range("guest test", GUEST_TEST, GUEST_TEST_SIZE),
                    new Range("pvpanic", PVPANIC, 1),
                    new Range("ACPI PM1a event", ACPI_PM1A_EVENT, ACPI_PM1A_EVENT_SIZE),
                    new Range(
                            "ACPI PM1a control",
                            ACPI_PM1A_CONTROL,
                            ACPI_PM_END - ACPI_PM1A_CONTROL),
                    new Range("reset control", RESET, 1),
                    new Range("assigned", ASSIGNED, ASSIGNED_SIZE));

    private Ports() {}
}
