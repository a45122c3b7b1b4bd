// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_IOAPIC;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_MASTER;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_SLAVE;

import io.jvmm.ffi.kvm.IrqRoute;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.layout.Irqs;

import java.util.ArrayList;
import java.util.List;

/** The interrupt controllers and the timer in the kernel, wired as a PC's are. */
final class InterruptControllers {

    private static final int PINS_PER_PIC = 8;

    /** Input of the first PIC where the second one is connected. */
    private static final int CASCADE = 2;

    private InterruptControllers() {}

    static void create(KvmVm vm) {
        vm.createIrqchip();
        vm.setIrqRoutes(routes());
        vm.createPit();
    }

    /**
     * Every ISA interrupt reaches a PIC and the IOAPIC's pin of the same number, but for the timer,
     * which is on {@link Irqs#PIT_IOAPIC_PIN}, as the ACPI and MP tables say.
     */
    static List<IrqRoute.Pin> routes() {
        List<IrqRoute.Pin> routes = new ArrayList<>();
        for (int gsi = 0; gsi < 2 * PINS_PER_PIC; gsi++) {
            if (gsi != CASCADE) {
                routes.add(
                        gsi < PINS_PER_PIC
                                ? new IrqRoute.Pin(gsi, KVM_IRQCHIP_PIC_MASTER, gsi)
                                : new IrqRoute.Pin(gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - PINS_PER_PIC));
            }
        }
        routes.add(new IrqRoute.Pin(Irqs.PIT, KVM_IRQCHIP_IOAPIC, Irqs.PIT_IOAPIC_PIN));
        for (int gsi = 0; gsi < Irqs.IOAPIC_PINS; gsi++) {
            if (gsi != Irqs.PIT && gsi != Irqs.PIT_IOAPIC_PIN) {
                routes.add(new IrqRoute.Pin(gsi, KVM_IRQCHIP_IOAPIC, gsi));
            }
        }
        return routes;
    }
}
