package io.jvmm.boot.firmware;

import io.jvmm.layout.Irqs;
import io.jvmm.layout.Ports;

/**
 * The differentiated system description table: the devices that a kernel could not find otherwise,
 * and how to switch the machine off.
 */
final class Dsdt {

    /** Since revision 2 integers have 64 bits. */
    private static final int REVISION = 2;

    /** Present, enabled, shown and working. */
    private static final int STATUS_PRESENT = 0x0F;

    /**
     * What to write to the sleep type field for soft off (S5). The number is ours to choose; the
     * device at {@link Ports#ACPI_PM1A_CONTROL} answers this one.
     */
    static final int SLEEP_TYPE_OFF = 5;

    private Dsdt() {}

    static byte[] build() {
        byte[] serialPort =
                Aml.device(
                        "COM1",
                        Aml.name("_HID", Aml.eisaId("PNP0501")), // 16550A-compatible serial port
                        Aml.name("_UID", Aml.integer(1)),
                        Aml.name("_STA", Aml.integer(STATUS_PRESENT)),
                        Aml.name(
                                "_CRS",
                                Aml.resources(
                                        Aml.io(Ports.COM1, Ports.COM1_SIZE), Aml.irq(Irqs.COM1))));
        byte[] panicDevice =
                Aml.device(
                        "PEVT",
                        Aml.name("_HID", Aml.string("QEMU0001")), // the name Linux's driver knows
                        Aml.name("_STA", Aml.integer(STATUS_PRESENT)),
                        Aml.name("_CRS", Aml.resources(Aml.io(Ports.PVPANIC, 1))));
        byte[] clock =
                Aml.device(
                        "RTC",
                        Aml.name("_HID", Aml.eisaId("PNP0B00")), // CMOS clock
                        Aml.name("_STA", Aml.integer(STATUS_PRESENT)),
                        Aml.name(
                                "_CRS",
                                Aml.resources(Aml.io(Ports.CMOS_INDEX, 2), Aml.irq(Irqs.RTC))));
        byte[] softOff =
                Aml.name(
                        "\\_S5",
                        Aml.packageOf(
                                Aml.integer(SLEEP_TYPE_OFF),
                                Aml.integer(0), // PM1b, which there is not
                                Aml.integer(0),
                                Aml.integer(0)));
        return AcpiTable.finish(
                AcpiTable.begin("DSDT", REVISION)
                        .bytes(Aml.scope("\\_SB", serialPort, clock, panicDevice))
                        .bytes(softOff));
    }
}
