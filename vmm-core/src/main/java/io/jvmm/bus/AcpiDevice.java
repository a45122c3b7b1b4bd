// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * How ACPI describes a device: an entry of the DSDT's system bus, present and working.
 *
 * @param name of the entry: one to four capital letters, digits and underscores, no digit first; no
 *     other device of the machine has it
 * @param hardwareId {@code _HID}: a PNP id, three capital letters and four hexadecimal digits, or
 *     an ACPI id of eight characters
 * @param uniqueId {@code _UID}, which tells devices of one kind apart
 * @param coherent whether to say by {@code _CCA} that the device's accesses to memory are coherent,
 *     as for devices that access memory themselves
 * @param resources {@code _CRS}
 */
public record AcpiDevice(
        String name,
        String hardwareId,
        OptionalInt uniqueId,
        boolean coherent,
        List<AcpiResource> resources) {

    private static final Pattern NAME = Pattern.compile("[A-Z_][A-Z0-9_]{0,3}");
    private static final Pattern HARDWARE_ID =
            Pattern.compile("[A-Z]{3}[0-9A-F]{4}|[A-Z0-9]{4}[0-9A-F]{4}");

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if one is malformed
     */
    public AcpiDevice {
        resources = List.copyOf(resources);
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("\"%s\" is no name in ACPI".formatted(name));
        }
        if (!HARDWARE_ID.matcher(hardwareId).matches()) {
            throw new IllegalArgumentException(
                    "\"%s\" is no hardware id in ACPI".formatted(hardwareId));
        }
    }

    /** {@return a device without an id among its kind and without resources, to be added to} */
    public static AcpiDevice of(String name, String hardwareId) {
        return new AcpiDevice(name, hardwareId, OptionalInt.empty(), false, List.of());
    }

    /** {@return the same with an id among its kind} */
    public AcpiDevice uid(int id) {
        return new AcpiDevice(name, hardwareId, OptionalInt.of(id), coherent, resources);
    }

    /** {@return the same, said to access memory coherently} */
    public AcpiDevice cacheCoherent() {
        return new AcpiDevice(name, hardwareId, uniqueId, true, resources);
    }

    /** {@return the same with one more resource} */
    public AcpiDevice with(AcpiResource resource) {
        List<AcpiResource> more = new ArrayList<>(resources);
        more.add(resource);
        return new AcpiDevice(name, hardwareId, uniqueId, coherent, more);
    }
}
