// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.vcpu.VcpuStateMsrs;

import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * kvmclock and a vCPU's time stamp counter at one moment, however long this program is held up
 * between the calls that read them.
 *
 * <p>Where the kernel tells its own counter with kvmclock and the guest's offset from it is to be
 * believed, the pair is exact, as the kernel's documentation has it (virt/kvm/devices/vcpu.rst,
 * 4.1, steps 1 to 3). Elsewhere (no master clock, because the host does not trust its counter; or
 * KVM-PVM, which keeps an offset and ignores it) the counter is read between two readings of
 * kvmclock, again and again until these are close together.
 *
 * @param clock kvmclock
 * @param counter the counter at that moment; empty if KVM does not tell it
 * @param isExact whether the two are of the same instant; otherwise they are as close as could be
 *     had
 */
record ClockPair(ClockData clock, OptionalLong counter, boolean isExact) {

    /** Readings that are this close need not be closer: a guest does not notice. */
    static final long CLOSE_NANOS = 100_000;

    private static final int ATTEMPTS = 16;

    /** A counter that was read after kvmclock was read within this time; it is not, by far. */
    private static final long LONGEST_BETWEEN_MILLIS = 120_000;

    /**
     * A counter, as it is read after kvmclock.
     *
     * @param offset from the host's, where the kernel tells
     * @param khz its rate
     * @param value empty if KVM does not tell it
     */
    record Counter(OptionalLong offset, int khz, OptionalLong value) {

        static Counter of(KvmVcpu vcpu) {
            return new Counter(
                    vcpu.tscOffset(), vcpu.tscKhz(), in(vcpu.msrs(List.of(VcpuStateMsrs.TSC))));
        }

        /** The counter among the registers of a vCPU. */
        static OptionalLong in(List<MsrEntry> registers) {
            return registers.stream()
                    .filter(entry -> entry.index() == VcpuStateMsrs.TSC)
                    .mapToLong(MsrEntry::value)
                    .findFirst();
        }

        /** What it was when {@code clock} was read; empty if that cannot be told. */
        OptionalLong at(ClockData clock) {
            if (!clock.hasHostTsc() || offset.isEmpty() || value.isEmpty()) {
                return OptionalLong.empty();
            }
            long then = clock.hostTsc() + offset.getAsLong();
            long between = value.getAsLong() - then;
            boolean plausible = between >= 0 && between <= LONGEST_BETWEEN_MILLIS * khz;
            return plausible ? OptionalLong.of(then) : OptionalLong.empty();
        }
    }

    /** Reads the clocks of a vCPU. On its thread, so that no other has to be waited for between. */
    static ClockPair read(KvmVm vm, KvmVcpu vcpu) {
        return read(() -> VmState.clockOf(vm), () -> Counter.of(vcpu));
    }

    /** Reads kvmclock and counter by the given calls. */
    static ClockPair read(Supplier<ClockData> clock, Supplier<Counter> counter) {
        ClockData before = clock.get();
        Counter between = counter.get();
        OptionalLong exact = between.at(before);
        if (exact.isPresent() || between.value().isEmpty()) {
            return new ClockPair(before, exact, exact.isPresent());
        }
        ClockData after = clock.get();
        long least = after.nanoseconds() - before.nanoseconds();
        ClockPair closest = middle(before, least, between);
        for (int attempt = 1; attempt < ATTEMPTS && least > CLOSE_NANOS; attempt++) {
            before = after;
            between = counter.get();
            after = clock.get();
            long apart = after.nanoseconds() - before.nanoseconds();
            if (apart < least) {
                least = apart;
                closest = middle(before, apart, between);
            }
        }
        return closest;
    }

    private static ClockPair middle(ClockData before, long apart, Counter between) {
        long half = Math.max(0, apart / 2);
        ClockData clock =
                new ClockData(
                        before.nanoseconds() + half,
                        before.flags() & ~KvmConstants.KVM_CLOCK_HOST_TSC,
                        before.realtime() + half,
                        0);
        return new ClockPair(clock, between.value(), false);
    }
}
