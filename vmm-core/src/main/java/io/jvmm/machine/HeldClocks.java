// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.PitState;
import io.jvmm.vcpu.VcpuState;

import java.util.List;
import java.util.OptionalLong;

/**
 * The clocks of a virtual machine that stands still, as they were when it came to a stand.
 *
 * <p>The kernel's timer (PIT) is stopped for the time of a pause: it would count every tick that
 * nobody takes and deliver them all at once afterwards. kvmclock and the time stamp counters cannot
 * be stopped; they are set back when the pause ends, if it is to be hidden.
 *
 * <p>A guest compares its clocks with each other and gives up a counter that strays from kvmclock.
 * So the counter is that of the very moment at which kvmclock was read, and it is set not to what
 * it was but to what fits kvmclock by then, in the way that the kernel's documentation of {@code
 * KVM_VCPU_TSC_OFFSET} (virt/kvm/devices/vcpu.rst, 4.1) describes: however long this program is
 * held up between one call and the next, the two stay together.
 *
 * @param clock the machine's kvmclock
 * @param pit the timer, with its period
 * @param counter the first vCPU's time stamp counter at the moment of {@code clock}; unknown when
 *     not all vCPUs were out of the guest
 */
record HeldClocks(ClockData clock, PitState pit, OptionalLong counter) {

    /** No timer runs in a channel whose mode is this one, the kernel's own for "not set". */
    private static final int NO_MODE = 0xFF;

    private static final long NANOS_PER_MILLI = 1_000_000;

    /** A way to stop the clocks of a machine. */
    @FunctionalInterface
    interface Stop {
        HeldClocks stop(Board board, Standstill vcpus, Deadline deadline);
    }

    /** Stops and reads the clocks of a machine whose vCPUs stand still; all or none. */
    static HeldClocks stop(Board board, Standstill vcpus, Deadline deadline) {
        PitState pit = board.vm().pit();
        board.vm().setPit(stopped(pit));
        try {
            return read(board, pit, vcpus, deadline);
        } catch (RuntimeException | Error e) {
            startTimer(board.vm(), pit);
            throw e;
        }
    }

    private static HeldClocks read(Board board, PitState pit, Standstill vcpus, Deadline deadline) {
        if (!vcpus.isComplete()) {
            return new HeldClocks(VmState.clockOf(board.vm()), pit, OptionalLong.empty());
        }
        ClockPair pair = board.onVcpu(0, deadline, vcpu -> ClockPair.read(board.vm(), vcpu));
        return new HeldClocks(pair.clock(), pit, pair.counter());
    }

    /** Stops and reads the clocks of a machine whose vCPUs never ran. */
    static HeldClocks stop(Board board, Deadline deadline) {
        return stop(board, new Standstill(List.of()), deadline);
    }

    /** The clocks of a machine that was restored, as they were when it was saved. */
    static HeldClocks restored(VmState machine, VcpuState first) {
        return new HeldClocks(machine.clock(), machine.pit(), savedCounter(machine.clock(), first));
    }

    /**
     * The kernel told it for that moment, or else the two were made to fit when they were saved.
     */
    private static OptionalLong savedCounter(ClockData clock, VcpuState first) {
        OptionalLong saved = ClockPair.Counter.in(first.msrs());
        OptionalLong exact =
                new ClockPair.Counter(first.tscOffset(), first.tscKhz(), saved).at(clock);
        return exact.isPresent() ? exact : saved;
    }

    static PitState stopped(PitState pit) {
        return new PitState(pit.timer().inMode(NO_MODE), pit.refresh(), pit.speaker(), pit.flags());
    }

    /** Sets the clocks back to where they were. */
    void rewind(Board board, Deadline deadline) {
        if (counter.isPresent()) {
            board.vm().setClock(ClockData.at(clock.nanoseconds()));
            fitCounters(board, deadline);
        }
    }

    /** Moves the counters to where they belong at the present time of kvmclock. */
    void fitCounters(Board board, Deadline deadline) {
        ClockPair now = board.onVcpu(0, deadline, vcpu -> ClockPair.read(board.vm(), vcpu));
        if (counter.isPresent() && now.counter().isPresent()) {
            int khz = board.onVcpu(0, deadline, KvmVcpu::tscKhz);
            long passed = now.clock().nanoseconds() - clock.nanoseconds();
            long due = counter.getAsLong() + ticks(passed, khz);
            moveCounters(board, due - now.counter().getAsLong(), deadline);
        }
    }

    /** How often a counter ticks in a time. A product of the two would overflow within the hour. */
    static long ticks(long nanos, int khz) {
        return nanos / NANOS_PER_MILLI * khz + nanos % NANOS_PER_MILLI * khz / NANOS_PER_MILLI;
    }

    /** The nanoseconds that a restored machine is to see of the time since it was saved. */
    long passed(Board board, PausedTime pausedTime) {
        return switch (pausedTime) {
            case HIDDEN -> 0;
            case COUNTED -> Math.max(0, board.vm().clock().nanoseconds() - clock.nanoseconds());
        };
    }

    /** All by the same, so that their distances stay. */
    private static void moveCounters(Board board, long ticks, Deadline deadline) {
        for (int index = 0; index < board.cpus(); index++) {
            boolean _ = board.onVcpu(index, deadline, vcpu -> move(vcpu, ticks));
        }
    }

    private static boolean move(KvmVcpu vcpu, long ticks) {
        OptionalLong offset = vcpu.tscOffset();
        if (offset.isPresent()) {
            vcpu.setTscOffset(offset.getAsLong() + ticks);
        }
        return offset.isPresent();
    }

    /** Sets the timer going, at the beginning of a period. */
    void startTimer(KvmVm vm) {
        startTimer(vm, pit);
    }

    private static void startTimer(KvmVm vm, PitState pit) {
        long loaded = System.nanoTime();
        vm.setPit(
                new PitState(
                        pit.timer().loadedAt(loaded),
                        pit.refresh().loadedAt(loaded),
                        pit.speaker().loadedAt(loaded),
                        pit.flags()));
    }
}
