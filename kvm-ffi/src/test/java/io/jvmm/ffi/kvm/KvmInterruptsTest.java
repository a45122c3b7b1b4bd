// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.jvmm.ffi.kvm.Ioeventfd.Space;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/** Eventfds that the guest signals, and that interrupt it; messages to local APICs. */
@RequiresKvm
@Timeout(120)
class KvmInterruptsTest {

    private static final int CODE = 0x1000;
    private static final int MMIO = 0x20_0000;
    private static final int COM1 = 4;
    private static final long LOCAL_APIC = 0xFEE0_0000L;
    private static final int VECTOR = 0x31;

    private static final int LAPIC_SPURIOUS = 0xF0;
    private static final int LAPIC_REQUESTED = 0x200;
    private static final int PIC_REQUESTED = 1;
    private static final int IOAPIC_ENTRIES = 24;

    private Kvm kvm;
    private KvmVm vm;
    private Mapping memory;
    private EventFd event;

    @BeforeEach
    void createVm() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        memory = Mapping.anonymous(1 << 20);
        event = EventFd.create();
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
    }

    @AfterEach
    void close() {
        event.close();
        vm.close();
        memory.close();
        kvm.close();
    }

    /** A vCPU in real mode at the first byte of a program, whose data segment is elsewhere. */
    private KvmVcpu vcpuAt(long dataBase, int... program) {
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, CODE + i, (byte) program[i]);
        }
        KvmVcpu vcpu = vm.createVcpu(0);
        Sregs real = vcpu.sregs().realMode(0);
        Segment d = real.ds();
        Segment moved =
                new Segment(
                        dataBase,
                        d.limit(),
                        d.selector(),
                        d.type(),
                        d.present(),
                        d.dpl(),
                        d.db(),
                        d.s(),
                        d.l(),
                        d.g(),
                        d.avl(),
                        d.unusable());
        vcpu.setSregs(
                new Sregs(
                        real.cs(),
                        moved,
                        real.es(),
                        real.fs(),
                        real.gs(),
                        real.ss(),
                        real.tr(),
                        real.ldt(),
                        real.gdt(),
                        real.idt(),
                        real.cr0(),
                        real.cr2(),
                        real.cr3(),
                        real.cr4(),
                        real.cr8(),
                        real.efer(),
                        real.apicBase()));
        vcpu.setRegs(Regs.atEntry(CODE, 0x8000, 0));
        return vcpu;
    }

    private static void refused(Errno errno, ThrowingCallable call) {
        assertThatExceptionOfType(KernelException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.errno()).isEqualTo(errno));
    }

    private static Ioeventfd port(int width, OptionalLong value) {
        return new Ioeventfd(Space.PORT, 0x10, width, value);
    }

    private static Ioeventfd mmio(int width, OptionalLong value) {
        return new Ioeventfd(Space.MMIO, MMIO, width, value);
    }

    @Test
    void aPortWriteSignalsWithoutAnExit() {
        vm.assignIoeventfd(port(1, OptionalLong.empty()), event);
        try (KvmVcpu vcpu =
                vcpuAt(
                        0, 0xB0, 0x42, // mov al, 0x42
                        0xE6, 0x10, // out 0x10, al
                        0xE6, 0x10, // out 0x10, al
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_HLT);
            assertThat(event.take()).isEqualTo(2);
        }
    }

    @Test
    void onlyTheValueThatIsWantedSignals() {
        vm.assignIoeventfd(port(1, OptionalLong.of(2)), event);
        try (KvmVcpu vcpu =
                vcpuAt(
                        0, 0xB0, 0x01, 0xE6, 0x10, // mov al, 1; out 0x10, al
                        0xB0, 0x02, 0xE6, 0x10, // mov al, 2; out 0x10, al
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
            assertThat(vcpu.page().value(vcpu.page().ioDataOffset(), 1)).isEqualTo(1);
            assertThat(event.take()).isZero();
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_HLT);
            assertThat(event.take()).isEqualTo(1);
        }
    }

    @Test
    void aMemoryMappedWriteSignalsIfItsWidthIsRight() {
        vm.assignIoeventfd(mmio(4, OptionalLong.of(7)), event);
        try (KvmVcpu vcpu =
                vcpuAt(
                        MMIO, 0x66, 0xC7, 0x06, 0, 0, 7, 0, 0, 0, // mov dword [0], 7
                        0xC7, 0x06, 0, 0, 7, 0, // mov word [0], 7
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_MMIO);
            assertThat(vcpu.page().mmioSize()).isEqualTo(2);
            assertThat(event.take()).isEqualTo(1);
        }
    }

    @Test
    void aWriteOfAnyWidthSignalsWhereNoneIsNamed() {
        vm.assignIoeventfd(mmio(0, OptionalLong.empty()), event);
        try (KvmVcpu vcpu =
                vcpuAt(
                        MMIO, 0x66, 0xC7, 0x06, 0, 0, 7, 0, 0, 0, // mov dword [0], 7
                        0xC7, 0x06, 0, 0, 7, 0, // mov word [0], 7
                        0xC6, 0x06, 0, 0, 7, // mov byte [0], 7
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_HLT);
            assertThat(event.take()).isEqualTo(3);
        }
    }

    @Test
    void aWriteThatSignalsNoLongerExitsAgain() {
        vm.assignIoeventfd(port(1, OptionalLong.empty()), event);
        vm.deassignIoeventfd(port(1, OptionalLong.empty()), event);
        try (KvmVcpu vcpu = vcpuAt(0, 0xE6, 0x10, 0xF4)) { // out 0x10, al; hlt
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
            assertThat(event.take()).isZero();
        }
        refused(Errno.ENOENT, () -> vm.deassignIoeventfd(port(1, OptionalLong.empty()), event));
    }

    @Test
    void aWriteSignalsOneEventOnly() {
        for (int width : new int[] {1, 2, 4, 8}) {
            Ioeventfd write =
                    new Ioeventfd(Space.MMIO, MMIO + 16L * width, width, OptionalLong.of(1));
            vm.assignIoeventfd(write, event);
            refused(Errno.EEXIST, () -> vm.assignIoeventfd(write, event));
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Ioeventfd(Space.PORT, 0, 3, OptionalLong.empty()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Ioeventfd(Space.PORT, 0, 16, OptionalLong.empty()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Ioeventfd(Space.PORT, 0, 0, OptionalLong.of(1)));
    }

    private boolean picRequests(int irq) {
        int requested = vm.irqchip(KvmConstants.KVM_IRQCHIP_PIC_MASTER)[PIC_REQUESTED];
        return (requested & 1 << irq) != 0;
    }

    private static boolean apicRequests(KvmVcpu vcpu, int vector) {
        byte[] registers = vcpu.lapic();
        int octet = LAPIC_REQUESTED + vector / 32 * 16 + vector % 32 / 8;
        return (registers[octet] & 1 << vector % 8) != 0;
    }

    /** The kernel raises some of these interrupts in a thread of its own. */
    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    private static void enableApic(KvmVcpu vcpu) {
        byte[] registers = vcpu.lapic();
        registers[LAPIC_SPURIOUS] = (byte) 0xFF;
        registers[LAPIC_SPURIOUS + 1] = 1;
        vcpu.setLapic(registers);
    }

    @Test
    void anEventRaisesAnInterrupt() {
        vm.createIrqchip();
        vm.assignIrqfd(event, COM1);
        refused(Errno.EBUSY, () -> vm.assignIrqfd(event, COM1));
        assertThat(picRequests(COM1)).isFalse();
        event.signal();
        await(() -> picRequests(COM1));
    }

    @Test
    void anEventThatIsTakenAwayRaisesNothing() {
        vm.createIrqchip();
        vm.assignIrqfd(event, COM1);
        vm.deassignIrqfd(event, COM1);
        event.signal();
        assertThat(event.take()).as("still there, since the kernel took it no more").isEqualTo(1);
        assertThat(picRequests(COM1)).isFalse();
    }

    @Test
    void eventsAndMessagesNeedControllersInTheKernel() {
        refused(Errno.EINVAL, () -> vm.assignIrqfd(event, COM1));
        refused(Errno.EINVAL, () -> vm.signalMsi(LOCAL_APIC, VECTOR));
    }

    @Test
    void aMessageReachesALocalApicThatIsEnabled() {
        vm.createIrqchip();
        try (KvmVcpu vcpu = vm.createVcpu(0)) {
            assertThat(vm.signalMsi(LOCAL_APIC, VECTOR)).as("to a disabled one").isFalse();
            enableApic(vcpu);
            assertThat(vm.signalMsi(LOCAL_APIC, VECTOR)).isTrue();
            assertThat(apicRequests(vcpu, VECTOR)).isTrue();
            assertThat(apicRequests(vcpu, VECTOR + 1)).isFalse();
        }
    }

    @Test
    void anEventSendsTheMessageThatItsNumberLeadsTo() {
        vm.createIrqchip();
        vm.setIrqRoutes(
                List.of(
                        new IrqRoute.Pin(COM1, KvmConstants.KVM_IRQCHIP_PIC_MASTER, COM1),
                        new IrqRoute.Msi(24, LOCAL_APIC, VECTOR)));
        try (KvmVcpu vcpu = vm.createVcpu(0)) {
            enableApic(vcpu);
            vm.assignIrqfd(event, 24);
            event.signal();
            await(() -> apicRequests(vcpu, VECTOR));
            assertThat(picRequests(COM1)).isFalse();
        }
    }

    /** The guest acknowledges a level-triggered interrupt, and the device hears of that. */
    @Test
    void anAcknowledgedLevelIsToldToItsDevice() {
        vm.setTssAddress(0xFFFB_D000L);
        vm.setIdentityMapAddress(0xFFFB_C000L);
        vm.createIrqchip();
        int handler = CODE + 0x100;
        memory.segment().set(JAVA_SHORT, 4L * VECTOR, (short) handler);
        memory.segment().set(JAVA_SHORT, 4L * VECTOR + 2, (short) 0);
        int[] program = {
            0x66, 0xC7, 0x06, 0xB0, 0, 0, 0, 0, 0, // mov dword [0xb0], 0: end of interrupt
            0xE6, 0x10, // out 0x10, al
            0xF4, // hlt
        };
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, handler + i, (byte) program[i]);
        }
        try (KvmVcpu vcpu = vcpuAt(LOCAL_APIC, 0xFB, 0x90, 0xF4); // sti; nop; hlt
                EventFd acknowledged = EventFd.create()) {
            enableApic(vcpu);
            byte[] ioapic = vm.irqchip(KvmConstants.KVM_IRQCHIP_IOAPIC);
            int entry = IOAPIC_ENTRIES + 8 * 20;
            ioapic[entry] = VECTOR;
            ioapic[entry + 1] = (byte) 0x80; // level-triggered
            ioapic[entry + 2] = 0; // not masked
            vm.setIrqchip(KvmConstants.KVM_IRQCHIP_IOAPIC, ioapic);
            vm.assignIrqfd(event, 20, acknowledged);
            event.signal();
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.page().exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
            assertThat(acknowledged.take()).isEqualTo(1);
            vm.deassignIrqfd(event, 20);
        }
    }
}
