// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/** What a device uses of the machine, as ACPI's {@code _CRS} lists it. */
public sealed interface AcpiResource {

    /**
     * I/O ports.
     *
     * @param base first port, 0 to 65535
     * @param length number of ports, 1 to 255
     */
    record Ports(int base, int length) implements AcpiResource {}

    /**
     * Guest-physical memory below 4 GiB.
     *
     * @param base first address
     * @param length in bytes
     */
    record Memory(long base, long length) implements AcpiResource {}

    /**
     * An interrupt of the ISA bus: edge-triggered, active high.
     *
     * @param irq 0 to 15
     */
    record IsaInterrupt(int irq) implements AcpiResource {}

    /**
     * An interrupt by its global number, active high.
     *
     * @param gsi global system interrupt
     * @param trigger what the interrupt controller looks at
     */
    record Interrupt(int gsi, Trigger trigger) implements AcpiResource {}

    /** What of a line asks for the interrupt. */
    enum Trigger {
        /** That it rises. */
        EDGE,
        /** That it is up. */
        LEVEL
    }
}
