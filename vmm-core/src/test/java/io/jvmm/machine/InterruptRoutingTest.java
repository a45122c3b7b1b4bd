// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_IRQCHIP_PIC_MASTER;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.bus.IrqLine;
import io.jvmm.bus.MsiSink;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.layout.Irqs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** Interrupts reach the virtual machine that is attached, and never another one. */
@RequiresKvm
@Timeout(240)
class InterruptRoutingTest {

    private static final long LOCAL_APIC = 0xFEE0_0000L;
    private static final int VECTOR = 0x31;
    private static final int SPURIOUS = 0xF0;
    private static final int REQUESTED = 0x200;

    private final Kvm kvm = Kvm.open();
    private final InterruptRouting routing = new InterruptRouting();

    @AfterEach
    void close() {
        kvm.close();
    }

    private KvmVm virtualMachine() {
        KvmVm vm = kvm.createVm();
        InterruptControllers.create(vm);
        return vm;
    }

    private static boolean requests(KvmVm vm, int irq) {
        return (vm.irqchip(KVM_IRQCHIP_PIC_MASTER)[1] & 1 << irq) != 0;
    }

    private static KvmVcpu enabledVcpu(KvmVm vm) {
        KvmVcpu vcpu = vm.createVcpu(0);
        byte[] registers = vcpu.lapic();
        registers[SPURIOUS] = (byte) 0xFF;
        registers[SPURIOUS + 1] = 1;
        vcpu.setLapic(registers);
        return vcpu;
    }

    private static boolean requestsMessage(KvmVcpu vcpu) {
        int octet = REQUESTED + VECTOR / 32 * 16 + VECTOR % 32 / 8;
        return (vcpu.lapic()[octet] & 1 << VECTOR % 8) != 0;
    }

    @Test
    void aLineKeepsItsLevelForTheNextVirtualMachine() {
        IrqLine line = routing.line(Irqs.COM1);
        line.raise();
        try (KvmVm first = virtualMachine()) {
            routing.attach(first);
            assertThat(requests(first, Irqs.COM1)).isTrue();
            routing.detach();
        }
        line.lower();
        try (KvmVm second = virtualMachine()) {
            routing.attach(second);
            assertThat(requests(second, Irqs.COM1)).isFalse();
            line.pulse();
            assertThat(requests(second, Irqs.COM1)).isTrue();
            routing.detach();
        }
        line.pulse();
    }

    @Test
    void messagesGoToTheVirtualMachineThatIsAttached() {
        MsiSink sink = routing.messages();
        assertThat(sink.signal(LOCAL_APIC, VECTOR)).isFalse();
        for (int i = 0; i < 2; i++) {
            try (KvmVm vm = virtualMachine();
                    KvmVcpu vcpu = enabledVcpu(vm)) {
                routing.attach(vm);
                assertThat(sink.signal(LOCAL_APIC, VECTOR)).isTrue();
                assertThat(requestsMessage(vcpu)).isTrue();
                routing.detach();
                assertThat(sink.signal(LOCAL_APIC, VECTOR)).isFalse();
            }
        }
    }

    @Test
    void eventsSendTheirMessageToEachVirtualMachineInTurn() {
        try (EventFd event = EventFd.create()) {
            routing.messageOn(event, LOCAL_APIC, VECTOR);
            for (int i = 0; i < 2; i++) {
                try (KvmVm vm = virtualMachine();
                        KvmVcpu vcpu = enabledVcpu(vm)) {
                    routing.attach(vm);
                    event.signal();
                    while (!requestsMessage(vcpu)) {
                        Thread.onSpinWait();
                    }
                    // The PC's own routes are still there.
                    vm.irqLine(Irqs.COM1).set(true);
                    assertThat(requests(vm, Irqs.COM1)).isTrue();
                    routing.detach();
                }
            }
        }
    }

    @Test
    void aLineIsOneDevicesOwn() {
        IrqLine _ = routing.line(5);
        for (int bad : new int[] {5, -1, Irqs.PIT, Irqs.PIT_IOAPIC_PIN, Irqs.IOAPIC_PINS}) {
            assertThatIllegalArgumentException().isThrownBy(() -> routing.line(bad));
        }
    }

    /**
     * Virtual machines come and go, each time with the descriptor number of the one before, while a
     * device pulses its line and sends messages without end.
     */
    @Test
    void noInterruptReachesTheVirtualMachineThatTakesTheDescriptorsNumber() throws Exception {
        IrqLine line = routing.line(Irqs.COM1);
        MsiSink sink = routing.messages();
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong pulses = new AtomicLong();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread device =
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                while (!stop.get()) {
                                    line.pulse();
                                    boolean _ = sink.signal(LOCAL_APIC, VECTOR);
                                    pulses.incrementAndGet();
                                }
                            } catch (Throwable e) {
                                failure.set(e);
                            }
                        });
        try {
            for (int i = 0; i < Repetitions.of(500) && failure.get() == null; i++) {
                try (KvmVm own = virtualMachine()) {
                    routing.attach(own);
                    long before = pulses.get();
                    while (pulses.get() == before && failure.get() == null) {
                        Thread.onSpinWait();
                    }
                    routing.detach();
                }
                try (KvmVm stranger = virtualMachine()) {
                    long before = pulses.get();
                    while (pulses.get() < before + 2 && failure.get() == null) {
                        Thread.onSpinWait();
                    }
                    assertThat(requests(stranger, Irqs.COM1)).isFalse();
                }
            }
        } finally {
            stop.set(true);
            device.join();
        }
        assertThat(failure.get()).isNull();
    }
}
