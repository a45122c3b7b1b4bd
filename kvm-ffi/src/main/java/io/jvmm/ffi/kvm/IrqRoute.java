package io.jvmm.ffi.kvm;

/**
 * A wire from an interrupt number to a pin of a controller in the kernel ({@code struct
 * kvm_irq_routing_entry}); a number may have several.
 *
 * @param gsi the number that devices use
 * @param irqchip one of {@code KVM_IRQCHIP_*}
 * @param pin the controller's input, from 0
 */
public record IrqRoute(int gsi, int irqchip, int pin) {

    static final int SIZE = 48;
    static final long GSI = 0;
    static final long TYPE = 4;
    static final long IRQCHIP = 16;
    static final long PIN = 20;
}
