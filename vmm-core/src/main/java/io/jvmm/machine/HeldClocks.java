package io.jvmm.machine;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.PitState;
import io.jvmm.vcpu.VcpuState;
import io.jvmm.vcpu.VcpuStateMsrs;

import java.util.List;
import java.util.OptionalLong;

/**
 * The clocks of a virtual machine that stands still, as they were when it came to a stand.
 *
 * <p>The kernel's timer (PIT) is stopped for the time of a pause: it would count every tick that
 * nobody takes and deliver them all at once afterwards. kvmclock and the time stamp counters cannot
 * be stopped; they are set back when the pause ends, if it is to be hidden.
 *
 * @param clock the machine's kvmclock
 * @param pit the timer, with its period
 * @param counter the first vCPU's time stamp counter; unknown when not all vCPUs were out of the
 *     guest
 */
record HeldClocks(ClockData clock, PitState pit, OptionalLong counter) {

    /** No timer runs in a channel whose mode is this one, the kernel's own for "not set". */
    private static final int NO_MODE = 0xFF;

    /** Stops and reads the clocks of a machine whose vCPUs stand still. */
    static HeldClocks stop(Board board, Standstill vcpus, Deadline deadline) {
        PitState pit = board.vm().pit();
        board.vm().setPit(stopped(pit));
        OptionalLong counter =
                vcpus.isComplete()
                        ? board.onVcpu(0, deadline, HeldClocks::counterOf)
                        : OptionalLong.empty();
        return new HeldClocks(VmState.clockOf(board.vm()), pit, counter);
    }

    /** Stops and reads the clocks of a machine whose vCPUs never ran. */
    static HeldClocks stop(Board board, Deadline deadline) {
        return stop(board, new Standstill(List.of()), deadline);
    }

    /** The clocks of a machine that was restored, as they were when it was saved. */
    static HeldClocks restored(VmState machine, VcpuState first) {
        OptionalLong counter =
                first.msrs().stream()
                        .filter(entry -> entry.index() == VcpuStateMsrs.TSC)
                        .mapToLong(MsrEntry::value)
                        .findFirst();
        return new HeldClocks(machine.clock(), machine.pit(), counter);
    }

    static PitState stopped(PitState pit) {
        return new PitState(pit.timer().inMode(NO_MODE), pit.refresh(), pit.speaker(), pit.flags());
    }

    private static OptionalLong counterOf(KvmVcpu vcpu) {
        List<MsrEntry> read = vcpu.msrs(List.of(VcpuStateMsrs.TSC));
        return read.isEmpty() ? OptionalLong.empty() : OptionalLong.of(read.getFirst().value());
    }

    /** Sets the clocks back to where they were. */
    void rewind(Board board, Deadline deadline) {
        if (counter.isPresent()) {
            long passed =
                    board.onVcpu(0, deadline, HeldClocks::counterOf).orElse(counter.getAsLong())
                            - counter.getAsLong();
            moveCounters(board, -passed, deadline);
            board.vm().setClock(ClockData.at(clock.nanoseconds()));
        }
    }

    /** The nanoseconds that a restored machine is to see of the time since it was saved. */
    long passed(Board board, PausedTime pausedTime) {
        return switch (pausedTime) {
            case HIDDEN -> 0;
            case COUNTED -> Math.max(0, board.vm().clock().nanoseconds() - clock.nanoseconds());
        };
    }

    /** Moves the counters of a restored machine on by as much as its kvmclock has moved. */
    void countPassed(Board board, Deadline deadline) {
        long micros = passed(board, PausedTime.COUNTED) / 1000;
        int khz = board.onVcpu(0, deadline, KvmVcpu::tscKhz);
        moveCounters(board, Math.multiplyExact(micros, (long) khz) / 1000, deadline);
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
        long loaded = System.nanoTime();
        vm.setPit(
                new PitState(
                        pit.timer().loadedAt(loaded),
                        pit.refresh().loadedAt(loaded),
                        pit.speaker().loadedAt(loaded),
                        pit.flags()));
    }
}
