// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.bus.IrqLine;
import io.jvmm.bus.MsiSink;
import io.jvmm.memory.GuestMemory;

import java.util.function.LongSupplier;

/**
 * What a machine has for a device that is being made: addresses, interrupts, memory and time.
 *
 * <p>Addresses and interrupt lines are given in order, so that a machine that is restored from the
 * same list of devices has them at the same places. They are taken while the device is made; lines,
 * sinks, memory and time may be used from any thread as long as the machine is open.
 */
public interface DeviceResources {

    /**
     * An interrupt line.
     *
     * @param gsi its number as a global system interrupt, for ACPI
     * @param line which the device alone drives
     */
    record Interrupt(int gsi, IrqLine line) {}

    /**
     * Takes I/O ports that no other device has.
     *
     * @param count a power of two; the first port is a multiple of it
     * @return the first port
     * @throws MachineException there are none left
     */
    int ports(int count);

    /**
     * Takes guest-physical addresses below 4 GiB that are neither memory nor another device's.
     *
     * @param size in bytes; it is rounded up to whole pages, so that a guest can map them alone
     * @return the first address, a multiple of 4096
     * @throws MachineException there are none left
     */
    long mmio(long size);

    /**
     * Takes an interrupt line that no other device has: one of those that the ISA bus does not
     * have, so a kernel must hear of it by ACPI.
     *
     * @throws MachineException there is none left
     */
    Interrupt interrupt();

    /**
     * Takes a certain interrupt line.
     *
     * @param gsi global system interrupt
     * @throws MachineException another device has it, or it is not for devices
     */
    IrqLine interrupt(int gsi);

    /** {@return where the device sends message-signalled interrupts} */
    MsiSink messages();

    /** {@return the guest's memory, which brings missing pages before it is touched} */
    GuestMemory memory();

    /**
     * {@return the time that passes for the guest, in nanoseconds from an arbitrary start} It
     * stands still while the machine is paused, and leaves out pauses that the guest is not to see.
     */
    LongSupplier time();
}
