// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.DebugRegisters;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.VcpuEvents;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.StateException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/** The state of a vCPU travels unchanged into another machine. */
@RequiresKvm
class VcpuStateTest {

    /**
     * Registers that go on counting: the time stamp counter, and where KVM can be Hyper-V for its
     * guests HV_X64_MSR_VP_RUNTIME and HV_X64_MSR_TIME_REF_COUNT.
     */
    private static final Set<Integer> CLOCKS = Set.of(VcpuStateMsrs.TSC, 0x4000_0010, 0x4000_0020);

    private static final int SYSENTER_ESP = 0x175;
    private static final int NO_SUCH_MSR = 0x1FFF_FFFF;
    private static final int LVT_TIMER = 0x320;
    private static final int TSC_DEADLINE_MODE = 0x40000;
    private static final int TIMER_VECTOR = 0xE0;

    private PayloadVm first;
    private PayloadVm second;
    private KvmVcpu from;
    private KvmVcpu to;
    private List<Integer> msrs;

    @BeforeEach
    void create() {
        first = new PayloadVm(Payload.STRESS, 2);
        second = new PayloadVm(Payload.STRESS, 2);
        from = first.vcpus.getFirst();
        to = second.vcpus.getFirst();
        msrs = VcpuStateMsrs.toSave(first.kvm, from);
    }

    @AfterEach
    void close() {
        first.close();
        second.close();
    }

    private VcpuState capture(KvmVcpu vcpu) {
        return VcpuState.capture(vcpu, msrs);
    }

    /** The same without what goes on by itself. */
    private static VcpuState timeless(VcpuState s) {
        return with(
                s,
                s.tscKhz(),
                s.xsave(),
                s.msrs().stream().filter(msr -> !CLOCKS.contains(msr.index())).toList());
    }

    private static VcpuState with(VcpuState s, int tscKhz, Bytes xsave, List<MsrEntry> newMsrs) {
        return new VcpuState(
                s.cpuid(),
                tscKhz,
                OptionalLong.empty(),
                s.mpState(),
                s.events(),
                s.regs(),
                s.sregs(),
                s.xcrs(),
                xsave,
                s.debugRegisters(),
                s.lapic(),
                newMsrs,
                s.unreadMsrs());
    }

    /** Something in every part that is not there after a reset. */
    private void fillWithTraces() {
        from.setRegs(new Regs(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 0x202));
        from.setXcrs(List.of(new Xcr(0, 3)));
        byte[] extended = from.xsave();
        Arrays.fill(extended, 160, 160 + 256, (byte) 0x5A);
        extended[512] |= 3;
        from.setXsave(extended);
        from.setDebugRegisters(new DebugRegisters(0x10, 0x20, 0x30, 0x40, 0xFFFF_0FF0L, 0x400));
        byte[] lapic = from.lapic();
        // Software enabled, and a timer in TSC deadline mode.
        lapic[0xF1] = 1;
        lapic[LVT_TIMER] = (byte) TIMER_VECTOR;
        lapic[LVT_TIMER + 2] = TSC_DEADLINE_MODE >>> 16;
        from.setLapic(lapic);
        assertThat(
                        from.writeMsrs(
                                List.of(
                                        new MsrEntry(SYSENTER_ESP, 0x1234),
                                        new MsrEntry(VcpuStateMsrs.TSC_DEADLINE, Long.MAX_VALUE))))
                .isEmpty();
        VcpuEvents none = from.events();
        from.setEvents(
                new VcpuEvents(
                        none.exception(),
                        new VcpuEvents.Interrupt(true, 0x31, false, 0),
                        new VcpuEvents.Nmi(false, 0, true),
                        none.smi(),
                        0,
                        none.flags(),
                        false));
        from.setMpState(KvmConstants.KVM_MP_STATE_HALTED);
    }

    @Test
    void everyPartArrives() {
        fillWithTraces();
        VcpuState state = capture(from);
        assertThat(timeless(capture(to))).isNotEqualTo(timeless(state));

        assertThat(state.apply(to)).isEmpty();

        assertThat(timeless(capture(to))).isEqualTo(timeless(state));
        assertThat(state.msrs())
                .contains(
                        new MsrEntry(SYSENTER_ESP, 0x1234),
                        new MsrEntry(VcpuStateMsrs.TSC_DEADLINE, Long.MAX_VALUE));
        assertThat(state.unreadMsrs()).isEmpty();
    }

    @Test
    void aProcessorThatWaitsForItsStartGoesOnWaiting() {
        VcpuState state = capture(first.vcpus.get(1));
        assertThat(state.mpState()).isEqualTo(KvmConstants.KVM_MP_STATE_UNINITIALIZED);
        state.apply(second.vcpus.get(1));
        assertThat(timeless(capture(second.vcpus.get(1)))).isEqualTo(timeless(state));
    }

    @Test
    void memoryTypesAreSavedThoughKvmDoesNotListThem() {
        int defaultType = 0x2FF;
        assertThat(first.kvm.msrIndices()).doesNotContain(defaultType);
        assertThat(capture(from).msrs()).contains(new MsrEntry(defaultType, 0x806));
        assertThat(msrs).containsAll(first.kvm.msrIndices());
    }

    @Test
    void theCounterIsSetFirstAndItsDeadlineLast() {
        MsrEntry deadline = new MsrEntry(VcpuStateMsrs.TSC_DEADLINE, 1);
        MsrEntry other = new MsrEntry(SYSENTER_ESP, 2);
        MsrEntry counter = new MsrEntry(VcpuStateMsrs.TSC, 3);
        assertThat(VcpuStateMsrs.inOrder(List.of(deadline, other, counter)))
                .containsExactly(counter, other, deadline);
    }

    @Test
    void countersThatWereEqualAreEqualAgain() {
        List<VcpuState> states = first.vcpus.stream().map(this::capture).toList();
        for (int i = 0; i < states.size(); i++) {
            states.get(i).apply(second.vcpus.get(i));
        }
        VcpuState.alignTscs(second.vcpus, states);
        assertThat(second.vcpus.get(1).tscOffset()).isEqualTo(to.tscOffset());
    }

    @Test
    void travelsAsBytes() {
        fillWithTraces();
        VcpuState state = capture(from);
        Saved saved = Saved.of(VcpuState.CODEC, 1, state);
        assertThat(saved.decode(VcpuState.CODEC)).isEqualTo(state);

        byte[] whole = saved.payload().toArray();
        for (int length = 0; length < whole.length; length += 97) {
            Bytes part = Bytes.copyOf(Arrays.copyOf(whole, length));
            assertThatExceptionOfType(StateException.class)
                    .isThrownBy(() -> new Saved("vcpu", 1, 1, part).decode(VcpuState.CODEC));
        }
    }

    @Test
    void whatTheKernelDidNotTellIsNamed() {
        VcpuState state = VcpuState.capture(from, List.of(NO_SUCH_MSR, SYSENTER_ESP));
        assertThat(state.unreadMsrs()).containsExactly(NO_SUCH_MSR);
        assertThat(state.msrs()).containsExactly(new MsrEntry(SYSENTER_ESP, 0));
    }

    @Test
    void aRegisterThatTheHostLacksIsRefusedUnlessTheGuestHasNotUsedIt() {
        VcpuState state = capture(from);
        MsrEntry unused = new MsrEntry(NO_SUCH_MSR, 0);
        assertThat(with(state, state.tscKhz(), state.xsave(), List.of(unused)).apply(to))
                .containsExactly(unused);

        VcpuState used =
                with(state, state.tscKhz(), state.xsave(), List.of(new MsrEntry(NO_SUCH_MSR, 5)));
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> used.apply(to))
                .withMessageContaining("1fffffff = 5");
    }

    @Test
    void anotherRateOfTheCounterIsRefusedWhereTheHostCannotScale() {
        VcpuState state = capture(from);
        VcpuState slow = with(state, state.tscKhz() / 2, state.xsave(), state.msrs());
        if (first.vm.checkExtension(KvmConstants.KVM_CAP_TSC_CONTROL) == 0) {
            assertThatExceptionOfType(StateException.class)
                    .isThrownBy(() -> slow.apply(to))
                    .withMessageContaining("kHz");
        } else {
            slow.apply(to);
            assertThat(to.tscKhz()).isEqualTo(slow.tscKhz());
        }
        // What a time daemon corrects is no other rate.
        int almost = state.tscKhz() - state.tscKhz() / 10_000;
        with(state, almost, state.xsave(), state.msrs()).apply(to);
    }

    @Test
    void anExtendedStateMayGrowButNotShrink() {
        VcpuState state = capture(from);
        byte[] bytes = state.xsave().toArray();
        Bytes small = Bytes.copyOf(Arrays.copyOf(bytes, 832));
        with(state, state.tscKhz(), small, state.msrs()).apply(to);
        assertThat(to.xsave().length).isEqualTo(bytes.length);

        Bytes large = Bytes.copyOf(Arrays.copyOf(bytes, bytes.length + 64));
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> with(state, state.tscKhz(), large, state.msrs()).apply(to))
                .withMessageContaining("extended state");
    }

    @Test
    void aMachineWithoutControllersHasNoLocalApic() {
        try (TinyVm one = new TinyVm(Payload.REAL_HLT);
                TinyVm other = new TinyVm(Payload.REAL_PORTS)) {
            VcpuState state = VcpuState.capture(one.vcpu, List.of(SYSENTER_ESP));
            assertThat(state.lapic()).isEqualTo(Bytes.EMPTY);
            state.apply(other.vcpu);
            assertThat(VcpuState.capture(other.vcpu, List.of(SYSENTER_ESP)).regs())
                    .isEqualTo(state.regs());
        }
    }

    @Test
    void aLocalApicHasItsSize() {
        VcpuState s = capture(from);
        Bytes odd = Bytes.copyOf(new byte[5]);
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new VcpuState(
                                s.cpuid(),
                                s.tscKhz(),
                                s.tscOffset(),
                                s.mpState(),
                                s.events(),
                                s.regs(),
                                s.sregs(),
                                s.xcrs(),
                                s.xsave(),
                                s.debugRegisters(),
                                odd,
                                s.msrs(),
                                s.unreadMsrs()))
                .withMessageContaining("5 bytes");
    }

    @Test
    void theClockOfAMachineIsNotPartOfAVcpu() {
        long day = 86_400_000_000_000L;
        second.vm.setClock(ClockData.at(day));
        capture(from).apply(to);
        assertThat(second.vm.clock().nanoseconds()).isGreaterThanOrEqualTo(day);
    }
}
