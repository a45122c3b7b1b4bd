// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

/**
 * Where an interrupt number leads ({@code struct kvm_irq_routing_entry}). A number may lead to
 * several pins, or to one message.
 */
public sealed interface IrqRoute {

    /** {@return the number that devices use: a global system interrupt, 0 to 4095} */
    int gsi();

    /**
     * A wire to an input of a controller in the kernel.
     *
     * @param irqchip one of {@code KVM_IRQCHIP_*}
     * @param pin the controller's input, from 0
     */
    record Pin(int gsi, int irqchip, int pin) implements IrqRoute {}

    /**
     * A message to local APICs, as PCI devices send it.
     *
     * @param address of the message: {@code 0xFEE00000} and the destination
     * @param data of the message: vector and delivery mode
     */
    record Msi(int gsi, long address, int data) implements IrqRoute {}
}
