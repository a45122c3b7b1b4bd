// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;

/**
 * Every call of the KVM layer on the real device: one use that succeeds, one that fails by name.
 */
@RequiresKvm
class KvmTest {

    private static final int CODE = 0x1000;

    private Kvm kvm;
    private KvmVm vm;
    private Mapping memory;

    @BeforeEach
    void createVm() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        memory = Mapping.anonymous(1 << 20);
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
    }

    @AfterEach
    void close() {
        vm.close();
        memory.close();
        kvm.close();
    }

    /** A vCPU in real mode at the first byte of a program. */
    private KvmVcpu vcpuAt(int... program) {
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, CODE + i, (byte) program[i]);
        }
        KvmVcpu vcpu = vm.createVcpu(0);
        vcpu.setSregs(vcpu.sregs().realMode(0));
        vcpu.setRegs(Regs.atEntry(CODE, 0x8000, 0));
        return vcpu;
    }

    @Test
    void knowsItsCapabilities() {
        assertThat(kvm.checkExtension(KvmConstants.KVM_CAP_USER_MEMORY)).isEqualTo(1);
        assertThat(vm.checkExtension(KvmConstants.KVM_CAP_IMMEDIATE_EXIT)).isEqualTo(1);
        assertThat(kvm.checkExtension(0x7FFF)).isZero();
    }

    @Test
    void listsCpuidLeavesAndRegisters() {
        assertThat(kvm.supportedCpuid())
                .extracting(CpuidEntry::function)
                .contains(0, 1, 0x80000000);
        assertThat(kvm.msrIndices()).contains(0x10, 0x174);
    }

    @Test
    void runsAGuestThatWritesAPort() {
        try (KvmVcpu vcpu =
                vcpuAt(
                        0xB0, 0x42, // mov al, 0x42
                        0xE6, 0x10, // out 0x10, al
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            KvmRun page = vcpu.page();
            assertThat(page.exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
            assertThat(page.ioIsWrite()).isTrue();
            assertThat(page.ioPort()).isEqualTo(0x10);
            assertThat(page.ioSize()).isEqualTo(1);
            assertThat(page.ioCount()).isEqualTo(1);
            assertThat(page.value(page.ioDataOffset(), 1)).isEqualTo(0x42);
            assertThat(vcpu.run()).isZero();
            assertThat(page.exitReason()).isEqualTo(KvmConstants.KVM_EXIT_HLT);
        }
    }

    @Test
    void answersAPortRead() {
        try (KvmVcpu vcpu =
                vcpuAt(
                        0xE5, 0x20, // in ax, 0x20
                        0xF4)) { // hlt
            assertThat(vcpu.run()).isZero();
            KvmRun page = vcpu.page();
            assertThat(page.ioIsWrite()).isFalse();
            assertThat(page.ioSize()).isEqualTo(2);
            page.value(page.ioDataOffset(), 2, 0xBEEF);
            assertThat(vcpu.run()).isZero();
            assertThat(vcpu.regs().rax() & 0xFFFF).isEqualTo(0xBEEF);
        }
    }

    @Test
    void answersMemoryMappedAccesses() {
        try (KvmVcpu vcpu =
                vcpuAt(
                        0x66, 0xBB, 0x00, 0x00, 0x20, 0x00, // mov ebx, 0x200000
                        0x67, 0x8A, 0x03, // mov al, [ebx]
                        0x67, 0x88, 0x43, 0x01, // mov [ebx+1], al
                        0xF4)) { // hlt
            Sregs s = vcpu.sregs();
            vcpu.setSregs(bigRealMode(s));
            assertThat(vcpu.run()).isZero();
            KvmRun page = vcpu.page();
            assertThat(page.exitReason()).isEqualTo(KvmConstants.KVM_EXIT_MMIO);
            assertThat(page.mmioAddress()).isEqualTo(0x200000);
            assertThat(page.mmioIsWrite()).isFalse();
            page.mmioData(1, 0x5A);
            assertThat(vcpu.run()).isZero();
            assertThat(page.mmioAddress()).isEqualTo(0x200001);
            assertThat(page.mmioIsWrite()).isTrue();
            assertThat(page.mmioData(page.mmioSize())).isEqualTo(0x5A);
        }
    }

    /** Real mode whose data segment reaches beyond 64 KiB. */
    private static Sregs bigRealMode(Sregs s) {
        Segment flat = Segment.data(0);
        return new Sregs(
                s.cs(),
                flat,
                s.es(),
                s.fs(),
                s.gs(),
                s.ss(),
                s.tr(),
                s.ldt(),
                s.gdt(),
                s.idt(),
                s.cr0(),
                s.cr2(),
                s.cr3(),
                s.cr4(),
                s.cr8(),
                s.efer(),
                s.apicBase());
    }

    @Test
    void returnsAtOnceWhenAnExitIsRequested() {
        try (KvmVcpu vcpu = vcpuAt(0xEB, 0xFE)) { // jmp .
            vcpu.page().requestExit();
            assertThat(vcpu.run()).isEqualTo(-Errno.EINTR.number());
            assertThat(vcpu.page().exitRequested()).isTrue();
            vcpu.page().clearExitRequest();
            assertThat(vcpu.page().exitRequested()).isFalse();
        }
    }

    @Test
    void registersSurviveARoundTrip() {
        try (KvmVcpu vcpu = vcpuAt(0xF4)) {
            Regs regs = new Regs(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x1000, 2);
            vcpu.setRegs(regs);
            assertThat(vcpu.regs()).isEqualTo(regs);
            Sregs sregs = vcpu.sregs();
            vcpu.setSregs(sregs);
            assertThat(vcpu.sregs()).isEqualTo(sregs);
        }
    }

    @Test
    void refusesRegistersThatNoProcessorCanHold() {
        try (KvmVcpu vcpu = vcpuAt(0xF4)) {
            Sregs s = vcpu.sregs();
            Sregs pagingWithoutProtection =
                    new Sregs(
                            s.cs(),
                            s.ds(),
                            s.es(),
                            s.fs(),
                            s.gs(),
                            s.ss(),
                            s.tr(),
                            s.ldt(),
                            s.gdt(),
                            s.idt(),
                            Sregs.CR0_PG,
                            0,
                            0,
                            Sregs.CR4_PAE,
                            0,
                            Sregs.EFER_LME,
                            s.apicBase());
            assertThatThrownBy(() -> vcpu.setSregs(pagingWithoutProtection))
                    .isInstanceOfSatisfying(
                            KernelException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
                    .hasMessageStartingWith("KVM_SET_SREGS: EINVAL (22)");
        }
    }

    @Test
    void readsAndWritesModelSpecificRegisters() {
        try (KvmVcpu vcpu = vcpuAt(0xF4)) {
            int sysenterEsp = 0x175;
            assertThat(vcpu.setMsrs(List.of(new MsrEntry(sysenterEsp, 0x1234)))).isEqualTo(1);
            assertThat(vcpu.msrs(List.of(sysenterEsp)))
                    .containsExactly(new MsrEntry(sysenterEsp, 0x1234));
            // A register that does not exist ends the list.
            assertThat(vcpu.setMsrs(List.of(new MsrEntry(0x1FFF_FFFF, 0)))).isZero();
        }
    }

    @Test
    void vcpusHaveIdsOfTheirOwn() {
        try (KvmVcpu _ = vm.createVcpu(0)) {
            assertThatThrownBy(() -> vm.createVcpu(0))
                    .isInstanceOfSatisfying(
                            KernelException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
        }
    }

    @Test
    void slotsMustBeAlignedAndMustNotOverlap() {
        assertThatThrownBy(() -> vm.setUserMemoryRegion(1, 0, 1, memory.address(), 4096))
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
        assertThatThrownBy(() -> vm.setUserMemoryRegion(1, 0, 0, memory.address(), 4096))
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    }

    @Test
    void interruptControllersComeOnce() {
        vm.setTssAddress(0xFFFB_D000L);
        vm.setIdentityMapAddress(0xFFFB_C000L);
        vm.createIrqchip();
        vm.createPit();
        KvmIrqLine line = vm.irqLine(4);
        line.set(true);
        line.set(false);
        assertThatThrownBy(vm::createIrqchip)
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
        assertThatThrownBy(vm::createPit)
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EEXIST));
    }

    @Test
    void interruptNumbersAreWiredToPins() {
        vm.createIrqchip();
        vm.setIrqRoutes(List.of(new IrqRoute.Pin(0, KvmConstants.KVM_IRQCHIP_IOAPIC, 2)));
        assertThatThrownBy(() ->
                        vm.setIrqRoutes(
                                List.of(new IrqRoute.Pin(0, KvmConstants.KVM_IRQCHIP_IOAPIC, 999))))
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
    }

    @Test
    void anInterruptLineNeedsAController() {
        KvmIrqLine line = vm.irqLine(4);
        assertThatThrownBy(() -> line.set(true))
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENXIO));
    }

    @Test
    void unknownCapabilitiesCannotBeEnabled() {
        assertThatThrownBy(() -> vm.enableCapability(0x7FFF, 0))
                .isInstanceOfSatisfying(
                        KernelException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
        vm.enableCapability(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1);
    }

    @Test
    void secondaryProcessorsWaitForTheirStart() {
        vm.createIrqchip();
        try (KvmVcpu first = vm.createVcpu(0);
                KvmVcpu second = vm.createVcpu(1)) {
            assertThat(first.mpState()).isEqualTo(KvmConstants.KVM_MP_STATE_RUNNABLE);
            assertThat(second.mpState()).isEqualTo(KvmConstants.KVM_MP_STATE_UNINITIALIZED);
        }
    }

    @Test
    void thePageIsGoneAfterClose() {
        KvmVcpu vcpu = vcpuAt(0xF4);
        KvmRun page = vcpu.page();
        vcpu.close();
        vcpu.close();
        assertThatThrownBy(page::exitReason).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(page::requestExit).isInstanceOf(IllegalStateException.class);
    }
}
