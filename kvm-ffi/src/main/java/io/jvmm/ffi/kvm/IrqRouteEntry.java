// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/** {@code struct kvm_irq_routing_entry}. */
final class IrqRouteEntry {

    static final int SIZE = 48;
    static final long GSI = 0;
    static final long TYPE = 4;
    static final long IRQCHIP = 16;
    static final long PIN = 20;
    static final long ADDRESS_LOW = 16;
    static final long ADDRESS_HIGH = 20;
    static final long DATA = 24;

    private IrqRouteEntry() {}

    /** Writes an entry into zeroed memory. */
    static void write(IrqRoute entry, MemorySegment list, long at) {
        list.set(JAVA_INT, at + GSI, entry.gsi());
        switch (entry) {
            case IrqRoute.Pin route -> {
                list.set(JAVA_INT, at + TYPE, KvmConstants.KVM_IRQ_ROUTING_IRQCHIP);
                list.set(JAVA_INT, at + IRQCHIP, route.irqchip());
                list.set(JAVA_INT, at + PIN, route.pin());
            }
            case IrqRoute.Msi route -> {
                list.set(JAVA_INT, at + TYPE, KvmConstants.KVM_IRQ_ROUTING_MSI);
                list.set(JAVA_INT, at + ADDRESS_LOW, (int) route.address());
                list.set(JAVA_INT, at + ADDRESS_HIGH, (int) (route.address() >>> Integer.SIZE));
                list.set(JAVA_INT, at + DATA, route.data());
            }
        }
    }
}
