// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.DebugRegisters;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.MsrReading;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs2;
import io.jvmm.ffi.kvm.VcpuEvents;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.state.Bytes;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Everything that a vCPU is: what makes a vCPU of another machine go on as this one.
 *
 * @param cpuid what CPUID answers
 * @param tscKhz rate of the time stamp counter, 0 when the host did not tell
 * @param tscOffset what the counter was ahead of the host's, where the kernel tells
 * @param mpState {@code KVM_MP_STATE_*}
 * @param lapic registers of the local APIC; empty when it is not in the kernel
 * @param msrs model-specific registers, the time stamp counter among them
 * @param unreadMsrs registers that were to be saved and that KVM did not tell
 */
public record VcpuState(
        List<CpuidEntry> cpuid,
        int tscKhz,
        OptionalLong tscOffset,
        int mpState,
        VcpuEvents events,
        Regs regs,
        Sregs2 sregs,
        List<Xcr> xcrs,
        Bytes xsave,
        DebugRegisters debugRegisters,
        Bytes lapic,
        List<MsrEntry> msrs,
        List<Integer> unreadMsrs) {

    /** How it travels; an instance is a vCPU. */
    public static final StateCodec<VcpuState> CODEC = new VcpuStateCodec();

    static final int LAPIC_SIZE = 1024;

    /** Clocks further apart than a time daemon can correct, in parts of a million. */
    private static final long TSC_TOLERANCE_PPM = 250;

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if a local APIC has another size
     */
    public VcpuState {
        cpuid = List.copyOf(cpuid);
        xcrs = List.copyOf(xcrs);
        msrs = List.copyOf(msrs);
        unreadMsrs = List.copyOf(unreadMsrs);
        if (lapic.length() != 0 && lapic.length() != LAPIC_SIZE) {
            throw new IllegalArgumentException("a local APIC of " + lapic);
        }
    }

    /**
     * Reads the state of a vCPU.
     *
     * <p>On the vCPU's thread, with every vCPU of the machine paused: another one could send this
     * one an interrupt between two calls. The last exit must be complete, by one more {@code
     * KVM_RUN} with an exit request; until then registers and memory are those of half an
     * instruction. Read the machine's interrupt controllers before: an interrupt that a timer
     * raises meanwhile is then found in the local APIC instead of being lost between the two.
     *
     * @param msrs of {@link VcpuStateMsrs#toSave}
     */
    public static VcpuState capture(KvmVcpu vcpu, List<Integer> msrs) {
        // First, since it takes in INIT and start-up interrupts that have arrived, which changes
        // registers and local APIC.
        int mpState = vcpu.mpState();
        // Before CR2 and DR6 are read: this moves the payload of a pending exception there.
        VcpuEvents events = vcpu.events();
        Regs regs = vcpu.regs();
        Sregs2 sregs = vcpu.sregs2();
        List<Xcr> xcrs = vcpu.xcrs();
        Bytes xsave = Bytes.copyOf(vcpu.xsave());
        DebugRegisters debugRegisters = vcpu.debugRegisters();
        // The deadline before the local APIC: a timer that expires between the two is then saved
        // twice. The other way round it would be lost, and with it the guest's next tick.
        MsrReading reading = vcpu.readMsrs(msrs);
        Bytes lapic = lapicOf(vcpu);
        return new VcpuState(
                vcpu.cpuid(),
                vcpu.tscKhz(),
                vcpu.tscOffset(),
                mpState,
                events,
                regs,
                sregs,
                xcrs,
                xsave,
                debugRegisters,
                lapic,
                reading.entries(),
                reading.unknown());
    }

    private static Bytes lapicOf(KvmVcpu vcpu) {
        try {
            return Bytes.copyOf(vcpu.lapic());
        } catch (KernelException e) {
            if (e.errno().equals(Errno.EINVAL)) {
                return Bytes.EMPTY;
            }
            throw e;
        }
    }

    /**
     * Makes a vCPU go on from this state.
     *
     * <p>The vCPU must be new; memory must be in place, since some registers name pages of it that
     * KVM looks up or writes at once, and the machine's clock must be set. Set the interrupt
     * controllers after the last vCPU: they deliver what is pending, which a local APIC that is set
     * later would forget. Then {@link #alignTscs}, and {@link KvmVcpu#kvmclockCtrl} before the
     * guest runs: a pause that it is told of only later looks like a lock-up.
     *
     * @return registers that this host refused, each with the value zero, which is that of a
     *     register that the guest has not used
     * @throws StateException if this host cannot hold the state; the vCPU is of no use then
     */
    public List<MsrEntry> apply(KvmVcpu vcpu) {
        // CPUID first: it decides which bits of every other register are allowed, and KVM 6.13 and
        // newer do not even let registers be read that it does not have.
        vcpu.setCpuid(cpuid);
        // Before the counter is set: KVM converts its value by this rate.
        applyTscRate(vcpu);
        // Special registers before the local APIC: the APIC's base and mode, on which the meaning
        // of its registers depends, are among them. They also wake a boot processor that stands at
        // the reset vector, so they come before the processor's activity.
        vcpu.setSregs2(sregs);
        // General registers before the events: setting them drops a pending exception.
        vcpu.setRegs(regs);
        // XCR0 before the extended state: it says which parts of that are in use.
        vcpu.setXcrs(xcrs);
        vcpu.setXsave(xsaveFor(vcpu));
        vcpu.setDebugRegisters(debugRegisters);
        // The local APIC before the model-specific registers: a TSC deadline is taken only while
        // its timer is in that mode.
        if (lapic.length() != 0) {
            vcpu.setLapic(lapic.toArray());
        }
        // The time stamp counter first among them, its deadline last: see VcpuStateMsrs.
        List<MsrEntry> refused = applyMsrs(vcpu);
        // Late: exceptions are dropped by registers, interrupts by the local APIC.
        vcpu.setEvents(events);
        // Last: whether INIT may wait depends on the events, and special registers can overwrite
        // it.
        vcpu.setMpState(mpState);
        return refused;
    }

    private void applyTscRate(KvmVcpu vcpu) {
        int hosts = vcpu.tscKhz();
        if (tscKhz <= 0
                || Math.abs((long) tscKhz - hosts) * 1_000_000 <= hosts * TSC_TOLERANCE_PPM) {
            return;
        }
        try {
            vcpu.setTscKhz(tscKhz);
        } catch (KernelException e) {
            throw new StateException(
                    "the guest counts time at %d kHz; this host cannot go at another rate than %d kHz"
                            .formatted(tscKhz, hosts),
                    e);
        }
    }

    private byte[] xsaveFor(KvmVcpu vcpu) {
        int size = vcpu.xsaveSize();
        if (xsave.length() > size) {
            throw new StateException(
                    "the guest has an extended state of %s; this host has %d"
                            .formatted(xsave, size));
        }
        return Arrays.copyOf(xsave.toArray(), size);
    }

    private List<MsrEntry> applyMsrs(KvmVcpu vcpu) {
        List<MsrEntry> refused = vcpu.writeMsrs(VcpuStateMsrs.inOrder(msrs));
        String lost =
                refused.stream()
                        .filter(entry -> entry.value() != 0)
                        .map(entry -> "%x = %x".formatted(entry.index(), entry.value()))
                        .collect(Collectors.joining(", "));
        if (!lost.isEmpty()) {
            throw new StateException(
                    "this host cannot hold the guest's model-specific registers " + lost);
        }
        return refused;
    }

    /**
     * The vCPUs of one machine at another moment: the counter of the first is what is given, and
     * the others keep their distances from it, as far as the kernel told offsets.
     */
    public static List<VcpuState> withFirstTsc(List<VcpuState> states, long counter) {
        OptionalLong first = states.getFirst().tscOffset;
        List<VcpuState> moved = new ArrayList<>();
        for (VcpuState state : states) {
            boolean known = first.isPresent() && state.tscOffset.isPresent();
            long distance = known ? state.tscOffset.getAsLong() - first.getAsLong() : 0;
            moved.add(state.withTsc(counter + distance));
        }
        return moved;
    }

    private VcpuState withTsc(long counter) {
        List<MsrEntry> at =
                msrs.stream()
                        .map(entry ->
                                entry.index() == VcpuStateMsrs.TSC
                                        ? new MsrEntry(VcpuStateMsrs.TSC, counter)
                                        : entry)
                        .toList();
        return new VcpuState(
                cpuid,
                tscKhz,
                tscOffset,
                mpState,
                events,
                regs,
                sregs,
                xcrs,
                xsave,
                debugRegisters,
                lapic,
                at,
                unreadMsrs);
    }

    /**
     * Gives the time stamp counters of one machine the distances that they had; those of counters
     * that were set one after the other differ by the time between.
     *
     * <p>Does nothing where the saved offsets are not known or the kernel cannot set them; the
     * kernel then treats counters that were set within a second of each other as equal.
     *
     * @param vcpus to which the states were applied, in the same order
     */
    public static void alignTscs(List<KvmVcpu> vcpus, List<VcpuState> states) {
        OptionalLong savedFirst = states.getFirst().tscOffset;
        OptionalLong first = vcpus.getFirst().tscOffset();
        for (int i = 1; i < vcpus.size(); i++) {
            OptionalLong saved = states.get(i).tscOffset;
            if (first.isPresent() && savedFirst.isPresent() && saved.isPresent()) {
                long distance = saved.getAsLong() - savedFirst.getAsLong();
                vcpus.get(i).setTscOffset(first.getAsLong() + distance);
            }
        }
    }
}
