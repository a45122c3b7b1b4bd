// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_IOAPIC;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_MASTER;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_SLAVE;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.IrqRoute;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.layout.Irqs;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.stream.IntStream;

class InterruptControllersTest {

    private static final List<IrqRoute.Pin> ROUTES = InterruptControllers.routes();

    private static List<IrqRoute.Pin> to(int chip) {
        return ROUTES.stream().filter(route -> route.irqchip() == chip).toList();
    }

    @Test
    void theFirstPicHasAllInterruptsButTheCascade() {
        assertThat(to(KVM_IRQCHIP_PIC_MASTER))
                .containsExactlyElementsOf(
                        IntStream.of(0, 1, 3, 4, 5, 6, 7)
                                .mapToObj(i -> new IrqRoute.Pin(i, KVM_IRQCHIP_PIC_MASTER, i))
                                .toList());
    }

    @Test
    void theSecondPicHasTheUpperEight() {
        assertThat(to(KVM_IRQCHIP_PIC_SLAVE))
                .containsExactlyElementsOf(
                        IntStream.range(8, 16)
                                .mapToObj(i -> new IrqRoute.Pin(i, KVM_IRQCHIP_PIC_SLAVE, i - 8))
                                .toList());
    }

    @Test
    void theTimerIsOnPin2OfTheIoapicAndAllOthersOnTheirOwn() {
        List<IrqRoute.Pin> routes = to(KVM_IRQCHIP_IOAPIC);
        assertThat(routes).hasSize(Irqs.IOAPIC_PINS - 1);
        assertThat(routes).contains(new IrqRoute.Pin(Irqs.PIT, KVM_IRQCHIP_IOAPIC, 2));
        assertThat(routes)
                .filteredOn(route -> route.gsi() != Irqs.PIT)
                .allMatch(route -> route.pin() == route.gsi())
                .noneMatch(route -> route.gsi() == 2);
    }

    @Test
    void noPinIsDrivenTwice() {
        assertThat(ROUTES).doesNotHaveDuplicates();
        assertThat(ROUTES.stream().map(route -> List.of(route.irqchip(), route.pin())))
                .doesNotHaveDuplicates();
    }

    @Test
    @RequiresKvm
    void theKernelTakesThem() {
        try (Kvm kvm = Kvm.open();
                KvmVm vm = kvm.createVm()) {
            InterruptControllers.create(vm);
            vm.irqLine(Irqs.COM1).set(true);
            vm.irqLine(Irqs.COM1).set(false);
        }
    }
}
