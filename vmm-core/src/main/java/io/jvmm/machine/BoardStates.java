// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.state.Saved;
import io.jvmm.state.SavedComponents;
import io.jvmm.state.StateRegistry;
import io.jvmm.vcpu.VcpuState;
import io.jvmm.vcpu.VcpuStateMsrs;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The state of what a reset replaces, and the order in which it is captured and taken over. The
 * reasons for that order are in the Javadoc of {@link VmState} and {@link VcpuState}.
 */
final class BoardStates {

    private static final String VM = "virtual machine";
    private static final String VCPU = "vCPU ";

    private static final String CLOCK = "clock";
    private static final String COUNTERS = "time stamp counters";
    private static final String CONTROLLERS = "interrupt controllers";

    private final Board board;
    private final Deadline deadline;

    /**
     * @param board all of whose vCPUs stand still outside the guest
     * @param deadline for what is done on vCPU threads
     */
    BoardStates(Board board, Deadline deadline) {
        this.board = board;
        this.deadline = deadline;
    }

    List<Saved> save(Kvm kvm, HeldClocks clocks) {
        KvmVm vm = board.vm();
        // The controllers before the vCPUs: an interrupt on its way is then found there.
        VmState machine = VmState.capture(vm).withTimer(clocks.pit());
        List<Integer> msrs = board.onVcpu(0, deadline, vcpu -> VcpuStateMsrs.toSave(kvm, vcpu));
        List<VcpuState> states = new ArrayList<>();
        for (int i = 0; i < board.cpus(); i++) {
            states.add(board.onVcpu(i, deadline, vcpu -> VcpuState.capture(vcpu, msrs)));
        }
        ClockPair pair = board.onVcpu(0, deadline, vcpu -> ClockPair.read(vm, vcpu));
        if (!pair.isExact() && pair.counter().isPresent()) {
            // Nothing that was captured so far tells counter and kvmclock of one moment.
            machine = machine.withClock(pair.clock());
            states = VcpuState.withFirstTsc(states, pair.counter().getAsLong());
        }
        List<Saved> saved = new ArrayList<>();
        saved.add(Saved.of(VmState.CODEC, 0, machine));
        for (int i = 0; i < states.size(); i++) {
            saved.add(Saved.of(VcpuState.CODEC, i, states.get(i)));
        }
        return saved;
    }

    /**
     * Takes over the state of another board; memory is in place. The timer stands still.
     *
     * @param vcpus in their order
     * @param pages are told what vCPUs will touch
     * @return the clocks, to be set going
     */
    HeldClocks restore(
            SavedComponents saved, List<KvmVcpu> vcpus, GuestPages pages, PausedTime pausedTime) {
        KvmVm vm = board.vm();
        StateRegistry registry = new StateRegistry();
        StateRegistry.Component<VmState> machine = registry.component(VM, VmState.CODEC, 0);
        List<StateRegistry.Component<VcpuState>> states = new ArrayList<>();
        Set<String> all = new HashSet<>();
        registry.step(
                CLOCK,
                Set.of(),
                () -> {
                    pages.expect(statesOf(states));
                    machine.state().applyClock(vm, pausedTime);
                });
        for (int i = 0; i < board.cpus(); i++) {
            int index = i;
            StateRegistry.Component<VcpuState> state =
                    registry.component(VCPU + index, VcpuState.CODEC, index);
            states.add(state);
            all.add(VCPU + index);
            registry.step(
                    VCPU + index,
                    Set.of(CLOCK),
                    () -> {
                        Object _ = board.onVcpu(index, deadline, state.state()::apply);
                    });
        }
        registry.step(COUNTERS, all, () -> VcpuState.alignTscs(vcpus, statesOf(states)));
        registry.step(
                CONTROLLERS,
                Set.of(COUNTERS),
                () -> machine.state().withoutTimer().applyControllers(vm));
        registry.restore(saved);
        HeldClocks clocks = HeldClocks.restored(machine.state(), states.getFirst().state());
        if (pausedTime == PausedTime.COUNTED) {
            clocks.fitCounters(board, deadline);
        }
        return clocks;
    }

    private static List<VcpuState> statesOf(List<StateRegistry.Component<VcpuState>> components) {
        return components.stream().map(StateRegistry.Component::state).toList();
    }
}
