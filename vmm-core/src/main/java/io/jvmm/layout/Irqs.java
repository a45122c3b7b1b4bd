// SPDX-License-Identifier: Apache-2.0
package io.jvmm.layout;

/**
 * Interrupt lines. The number is the ISA interrupt and at the same time the global system interrupt
 * (GSI) and I/O APIC pin, with the one exception of the timer.
 */
public final class Irqs {

    /** The PIT, as an ISA interrupt (pin 0 of the first PIC). */
    public static final int PIT = 0;

    /**
     * I/O APIC pin of the PIT. PCs wire ISA interrupt 0 to pin 2, and the ACPI and MP tables say
     * so; the interrupt routing given to KVM must agree, since KVM's default wires it to pin 0.
     */
    public static final int PIT_IOAPIC_PIN = 2;

    /** First serial port. */
    public static final int COM1 = 4;

    /** CMOS clock. */
    public static final int RTC = 8;

    /** ACPI's system control interrupt: level-triggered, active high. */
    public static final int SCI = 9;

    /** First I/O APIC pin that no ISA interrupt has; from here on, devices are given theirs. */
    public static final int FIRST_PCI = 16;

    /** Number of I/O APIC pins (KVM's emulated chip). */
    public static final int IOAPIC_PINS = 24;

    private Irqs() {}
}
