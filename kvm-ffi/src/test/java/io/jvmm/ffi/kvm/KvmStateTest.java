// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresKvm;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Every call that reads or sets a part of a machine's state, on the real device: one use that
 * succeeds, one that fails by name.
 */
@RequiresKvm
class KvmStateTest {

    private static final int SYSENTER_ESP = 0x175;
    private static final int NO_SUCH_MSR = 0x1FFF_FFFF;
    private static final int NO_SUCH_CHIP = 3;
    private static final byte[] NO_LAPIC = new byte[1024];

    private Kvm kvm;
    private KvmVm vm;
    private KvmVcpu vcpu;
    private KvmVm bareVm;
    private KvmVcpu bareVcpu;

    /** A machine with controllers and timer in the kernel, and one without. */
    @BeforeEach
    void create() {
        kvm = Kvm.open();
        vm = kvm.createVm();
        vm.createIrqchip();
        vm.createPit();
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(kvm.supportedCpuid());
        bareVm = kvm.createVm();
        bareVcpu = bareVm.createVcpu(0);
    }

    @AfterEach
    void close() {
        bareVcpu.close();
        bareVm.close();
        vcpu.close();
        vm.close();
        kvm.close();
    }

    private static void assertFails(Errno errno, ThrowingCallable call) {
        assertThatExceptionOfType(KernelException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void specialRegistersWithTheirPointers() {
        Sregs2 sregs = vcpu.sregs2();
        assertThat(sregs.sregs()).isEqualTo(vcpu.sregs());
        assertThat(sregs.pdptrsValid()).isFalse();
        vcpu.setSregs2(sregs);
        assertThat(vcpu.sregs2()).isEqualTo(sregs);
        // Pointers count in PAE paging only.
        Sregs2 pointersInRealMode = new Sregs2(sregs.sregs(), true, 0, 0, 0, 0);
        assertFails(Errno.EINVAL, () -> vcpu.setSregs2(pointersInRealMode));
    }

    @Test
    void extendedState() {
        byte[] state = vcpu.xsave();
        assertThat(state.length)
                .isEqualTo(vcpu.xsaveSize())
                .isEqualTo(Math.max(4096, vm.checkExtension(KvmConstants.KVM_CAP_XSAVE2)));
        byte[] changed = state.clone();
        int xmm0 = 160;
        int componentsInUse = 512;
        changed[xmm0] = 0x5A;
        changed[componentsInUse] |= 2;
        vcpu.setXsave(changed);
        assertThat(vcpu.xsave()[xmm0]).isEqualTo((byte) 0x5A);

        byte[] refused = state.clone();
        refused[componentsInUse + 7] |= 0x40;
        assertFails(Errno.EINVAL, () -> vcpu.setXsave(refused));
        assertThatIllegalArgumentException().isThrownBy(() -> vcpu.setXsave(new byte[0]));
    }

    @Test
    void extendedControlRegisters() {
        vcpu.setXcrs(List.of(new Xcr(0, 3)));
        assertThat(vcpu.xcrs()).containsExactly(new Xcr(0, 3));
        // x87 cannot be off.
        assertFails(Errno.EINVAL, () -> vcpu.setXcrs(List.of(new Xcr(0, 2))));
    }

    @Test
    void debugRegisters() {
        DebugRegisters registers = new DebugRegisters(1, 2, 3, 4, 0xFFFF0FF0L, 0x400);
        vcpu.setDebugRegisters(registers);
        assertThat(vcpu.debugRegisters()).isEqualTo(registers);
        DebugRegisters tooWide = new DebugRegisters(0, 0, 0, 0, 0, 1L << 32);
        assertFails(Errno.EINVAL, () -> vcpu.setDebugRegisters(tooWide));
    }

    @Test
    void eventsOnTheirWay() {
        VcpuEvents none = vcpu.events();
        VcpuEvents masked =
                new VcpuEvents(
                        none.exception(),
                        new VcpuEvents.Interrupt(true, 0x31, false, 0),
                        new VcpuEvents.Nmi(false, 0, true),
                        none.smi(),
                        0,
                        none.flags(),
                        false);
        vcpu.setEvents(masked);
        assertThat(vcpu.events()).isEqualTo(masked);
        VcpuEvents unknownFlag =
                new VcpuEvents(
                        none.exception(),
                        none.interrupt(),
                        none.nmi(),
                        none.smi(),
                        0,
                        1 << 20,
                        false);
        assertFails(Errno.EINVAL, () -> vcpu.setEvents(unknownFlag));
    }

    @Test
    void whatTheProcessorDoes() {
        vcpu.setMpState(KvmConstants.KVM_MP_STATE_HALTED);
        assertThat(vcpu.mpState()).isEqualTo(KvmConstants.KVM_MP_STATE_HALTED);
        assertFails(
                Errno.EINVAL, () -> bareVcpu.setMpState(KvmConstants.KVM_MP_STATE_INIT_RECEIVED));
    }

    @Test
    void localApic() {
        int taskPriority = 0x80;
        byte[] registers = vcpu.lapic();
        registers[taskPriority] = 0x30;
        vcpu.setLapic(registers);
        assertThat(vcpu.lapic()[taskPriority]).isEqualTo((byte) 0x30);
        assertFails(Errno.EINVAL, bareVcpu::lapic);
        assertFails(Errno.EINVAL, () -> bareVcpu.setLapic(NO_LAPIC));
        assertThatIllegalArgumentException().isThrownBy(() -> vcpu.setLapic(new byte[0]));
    }

    @Test
    void cpuidAsItWasSet() {
        List<Integer> set = kvm.supportedCpuid().stream().map(CpuidEntry::function).toList();
        // A host without nested paging leaves out leaves that its guests cannot have.
        assertThat(vcpu.cpuid())
                .extracting(CpuidEntry::function)
                .isSubsetOf(set)
                .contains(0, 1, 0x80000000);
        assertThat(bareVcpu.cpuid()).isEmpty();
        List<CpuidEntry> tooMany = new ArrayList<>();
        for (int i = 0; i < 257; i++) {
            tooMany.add(new CpuidEntry(i, 0, 0, 0, 0, 0, 0));
        }
        assertFails(Errno.E2BIG, () -> bareVcpu.setCpuid(tooMany));
        // Nothing is left out of what was read once, and no field changes but those that follow
        // the vCPU's own state.
        List<CpuidEntry> read = vcpu.cpuid();
        bareVcpu.setCpuid(read);
        assertThat(bareVcpu.cpuid())
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields("ebx", "ecx", "edx")
                .isEqualTo(read);
    }

    @Test
    void registersUnknownToKvmAreNamedAndEndNothing() {
        MsrEntry stack = new MsrEntry(SYSENTER_ESP, 0x1234);
        MsrEntry stranger = new MsrEntry(NO_SUCH_MSR, 1);
        assertThat(vcpu.writeMsrs(List.of(stranger, stack, stranger)))
                .containsExactly(stranger, stranger);
        MsrReading reading = vcpu.readMsrs(List.of(NO_SUCH_MSR, SYSENTER_ESP, NO_SUCH_MSR));
        assertThat(reading.entries()).containsExactly(stack);
        assertThat(reading.unknown()).containsExactly(NO_SUCH_MSR, NO_SUCH_MSR);
    }

    @Test
    void moreRegistersThanOneCallTakes() {
        List<Integer> many = IntStream.range(0, 700).mapToObj(_ -> SYSENTER_ESP).toList();
        assertThat(vcpu.readMsrs(many).entries()).hasSize(700);
        assertThat(vcpu.writeMsrs(vcpu.readMsrs(many).entries())).isEmpty();
        assertFails(Errno.E2BIG, () -> vcpu.msrs(many));
    }

    @Test
    void rateOfTheTimeStampCounter() {
        int khz = vcpu.tscKhz();
        vcpu.setTscKhz(khz);
        assertThat(vcpu.tscKhz()).isEqualTo(khz);
        assertThatIllegalArgumentException().isThrownBy(() -> vcpu.setTscKhz(0));
        if (vm.checkExtension(KvmConstants.KVM_CAP_TSC_CONTROL) == 0) {
            assertFails(Errno.EINVAL, () -> vcpu.setTscKhz(khz / 2));
        } else {
            vcpu.setTscKhz(khz / 2);
            assertThat(vcpu.tscKhz()).isEqualTo(khz / 2);
        }
    }

    @Test
    void offsetOfTheTimeStampCounter() {
        if (vcpu.tscOffset().isEmpty()) {
            assertThatExceptionOfType(KernelException.class)
                    .isThrownBy(() -> vcpu.setTscOffset(0))
                    .satisfies(e -> assertThat(e.errno()).isIn(Errno.ENXIO, Errno.ENOTTY));
            return;
        }
        long before = vcpu.tscOffset().getAsLong();
        vcpu.setTscOffset(before - 1_000_000);
        // A host that gives guests its own counter takes the value and forgets it.
        assertThat(vcpu.tscOffset().getAsLong()).isIn(before - 1_000_000, before);
        vcpu.close();
        assertFails(Errno.EBADF, () -> vcpu.setTscOffset(0));
    }

    @Test
    void aPauseIsToldToGuestsThatAsk() {
        // The guest has no memory for its clock's page, let alone has it named one.
        assertThat(vcpu.kvmclockCtrl()).isFalse();
        vcpu.close();
        assertFails(Errno.EBADF, vcpu::kvmclockCtrl);
    }

    @Test
    void aSignalThatTheMaskLetsThroughEndsTheRun() {
        Signals.block(Signals.SIGUSR1);
        try (Kick kick = Kick.install();
                Mapping memory = Mapping.anonymous(1 << 20)) {
            // Without any memory, no vCPU gets as far as to see a signal.
            bareVm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
            bareVcpu.setSignalMask(Signals.blocked() & ~Signals.bit(Signals.SIGUSR1));
            kick.send(NativeThread.id());
            assertThat(bareVcpu.run()).isEqualTo(-Errno.EINTR.number());
            assertThat(Signals.takePending(Signals.SIGUSR1)).isTrue();
            bareVcpu.clearSignalMask();
            bareVm.setUserMemoryRegion(0, 0, 0, memory.address(), 0);
        } finally {
            Signals.unblock(Signals.SIGUSR1);
        }
        vcpu.close();
        assertFails(Errno.EBADF, () -> vcpu.setSignalMask(0));
        assertFails(Errno.EBADF, vcpu::clearSignalMask);
    }

    @Test
    void theClockGoesOnFromWhereItWasSet() {
        long hour = 3_600_000_000_000L;
        vm.setClock(ClockData.at(hour));
        ClockData clock = vm.clock();
        assertThat(clock.nanoseconds()).isBetween(hour, 2 * hour);
        assertThat(vm.clock().nanoseconds()).isGreaterThan(clock.nanoseconds());
        assertFails(Errno.EINVAL, () -> vm.setClock(new ClockData(0, 1 << 9, 0, 0)));
    }

    @Test
    void theKernelAddsTheTimeSinceTheRealtimeThatItIsGiven() {
        long adjustable = vm.checkExtension(KvmConstants.KVM_CAP_ADJUST_CLOCK);
        int flag = KvmConstants.KVM_CLOCK_REALTIME;
        long hour = 3_600_000_000_000L;
        long hourAgo = System.currentTimeMillis() * 1_000_000 - hour;
        ClockData data = new ClockData(0, flag, hourAgo, 0);
        if ((adjustable & flag) == 0) {
            assertFails(Errno.EINVAL, () -> vm.setClock(data));
        } else {
            vm.setClock(data);
            assertThat(vm.clock().nanoseconds()).isBetween(hour / 2, 2 * hour);
        }
    }

    @Test
    void interruptControllers() {
        for (int chip : new int[] {0, 1, 2}) {
            byte[] state = vm.irqchip(chip);
            boolean ioapic = chip == KvmConstants.KVM_IRQCHIP_IOAPIC;
            // IOREGSEL of the IOAPIC, IMR of a PIC.
            int register = ioapic ? 8 : 2;
            state[register] = 0x10;
            vm.setIrqchip(chip, state);
            assertThat(vm.irqchip(chip)).isEqualTo(state);
        }
        byte[] state = vm.irqchip(0);
        assertFails(Errno.EINVAL, () -> vm.irqchip(NO_SUCH_CHIP));
        assertFails(Errno.EINVAL, () -> vm.setIrqchip(NO_SUCH_CHIP, state));
        assertFails(Errno.ENXIO, () -> bareVm.irqchip(0));
        assertFails(Errno.ENXIO, () -> bareVm.setIrqchip(0, state));
    }

    @Test
    void timer() {
        PitState pit = vm.pit();
        PitState.Channel c = pit.speaker();
        PitState.Channel changed =
                new PitState.Channel(0x1234, 0, 0, 0, 0, 1, 2, 3, 3, 3, 0, 1, 42);
        long before = System.nanoTime();
        assertThat(c).isNotEqualTo(changed);
        vm.setPit(new PitState(pit.timer(), pit.refresh(), changed, pit.flags()));
        PitState.Channel set = vm.pit().speaker();
        assertThat(set.loadedAt(42)).isEqualTo(changed);
        // Setting starts the periods anew; both clocks are CLOCK_MONOTONIC.
        assertThat(set.countLoadTime()).isBetween(before, System.nanoTime());
        assertFails(Errno.ENXIO, bareVm::pit);
        assertFails(Errno.ENXIO, () -> bareVm.setPit(pit));
    }

    @Test
    void nothingIsReadFromWhatIsClosed() {
        vcpu.close();
        vm.close();
        List<ThrowingCallable> calls =
                List.of(
                        vcpu::sregs2,
                        vcpu::xsave,
                        vcpu::xcrs,
                        vcpu::debugRegisters,
                        vcpu::events,
                        vcpu::mpState,
                        vcpu::cpuid,
                        vm::clock);
        for (ThrowingCallable call : calls) {
            assertFails(Errno.EBADF, call);
        }
        assertThat(vcpu.tscKhz()).isZero();
        assertThat(vcpu.tscOffset()).isEmpty();
    }
}
