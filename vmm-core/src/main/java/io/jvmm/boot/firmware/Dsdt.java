// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import io.jvmm.bus.AcpiDevice;
import io.jvmm.bus.AcpiResource;
import io.jvmm.layout.Ports;

import java.util.ArrayList;
import java.util.List;

/**
 * The differentiated system description table: the devices that a kernel could not find otherwise,
 * and how to switch the machine off.
 */
final class Dsdt {

    /** Since revision 2 integers have 64 bits. */
    private static final int REVISION = 2;

    /** Present, enabled, shown and working. */
    private static final int STATUS_PRESENT = 0x0F;

    /** A PNP id has seven characters and is packed; an ACPI id has eight and is a string. */
    private static final int PNP_ID_LENGTH = 7;

    /**
     * What to write to the sleep type field for soft off (S5). The number is ours to choose; the
     * device at {@link Ports#ACPI_PM1A_CONTROL} answers this one.
     */
    static final int SLEEP_TYPE_OFF = 5;

    private Dsdt() {}

    /**
     * Builds the table from what devices say of themselves.
     *
     * @throws IllegalArgumentException if two have one name, or a resource cannot be described
     */
    static byte[] build(List<AcpiDevice> devices) {
        if (devices.stream().map(AcpiDevice::name).distinct().count() != devices.size()) {
            throw new IllegalArgumentException(
                    "two devices have one name in ACPI: "
                            + devices.stream().map(AcpiDevice::name).toList());
        }
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
                        .bytes(
                                Aml.scope(
                                        "\\_SB",
                                        devices.stream().map(Dsdt::device).toArray(byte[][]::new)))
                        .bytes(softOff));
    }

    private static byte[] device(AcpiDevice device) {
        List<byte[]> terms = new ArrayList<>();
        String id = device.hardwareId();
        terms.add(Aml.name("_HID", id.length() == PNP_ID_LENGTH ? Aml.eisaId(id) : Aml.string(id)));
        device.uniqueId().ifPresent(uid -> terms.add(Aml.name("_UID", Aml.integer(uid))));
        terms.add(Aml.name("_STA", Aml.integer(STATUS_PRESENT)));
        if (device.coherent()) {
            terms.add(Aml.name("_CCA", Aml.integer(1)));
        }
        if (!device.resources().isEmpty()) {
            terms.add(
                    Aml.name(
                            "_CRS",
                            Aml.resources(
                                    device.resources().stream()
                                            .map(Dsdt::resource)
                                            .toArray(byte[][]::new))));
        }
        return Aml.device(device.name(), terms.toArray(byte[][]::new));
    }

    private static byte[] resource(AcpiResource resource) {
        return switch (resource) {
            case AcpiResource.Ports ports -> Aml.io(ports.base(), ports.length());
            case AcpiResource.Memory memory -> Aml.memory32Fixed(memory.base(), memory.length());
            case AcpiResource.IsaInterrupt interrupt -> Aml.irq(interrupt.irq());
            case AcpiResource.Interrupt interrupt ->
                    Aml.interrupt(
                            interrupt.gsi(), interrupt.trigger() == AcpiResource.Trigger.EDGE);
        };
    }
}
