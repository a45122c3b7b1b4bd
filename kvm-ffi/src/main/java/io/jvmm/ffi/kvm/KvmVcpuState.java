// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Fd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The registers of a vCPU and what is on its way into it, read and set by ioctls while the vCPU is
 * not in {@link KvmVcpu#run}.
 */
public abstract sealed class KvmVcpuState permits KvmVcpu {

    static final int XSAVE_SIZE = 4096;
    static final int LAPIC_SIZE = 1024;
    static final int TRANSLATION_SIZE = 24;

    final Fd fd;
    private final int xsave2Size;

    /**
     * @param xsave2Size the answer to {@code KVM_CAP_XSAVE2}
     */
    KvmVcpuState(Fd fd, int xsave2Size) {
        this.fd = fd;
        this.xsave2Size = xsave2Size;
    }

    /** The general registers. */
    public Regs regs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment regs = arena.allocate(Regs.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_REGS", KvmRequests.KVM_GET_REGS, regs);
            return Regs.read(regs);
        }
    }

    /** Sets the general registers. */
    public void setRegs(Regs regs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(Regs.SIZE, Long.BYTES);
            regs.write(segment);
            fd.ioctl("KVM_SET_REGS", KvmRequests.KVM_SET_REGS, segment);
        }
    }

    /**
     * The guest-physical address of a linear one, by the vCPU's page tables as they are.
     *
     * @return empty if they do not map it
     */
    public OptionalLong translate(long linear) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment translation = arena.allocate(TRANSLATION_SIZE, Long.BYTES);
            translation.set(JAVA_LONG, 0, linear);
            fd.ioctl("KVM_TRANSLATE", KvmRequests.KVM_TRANSLATE, translation);
            return translation.get(JAVA_BYTE, 16) == 0
                    ? OptionalLong.empty()
                    : OptionalLong.of(translation.get(JAVA_LONG, 8));
        }
    }

    /** The special registers. */
    public Sregs sregs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sregs = arena.allocate(Sregs.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_SREGS", KvmRequests.KVM_GET_SREGS, sregs);
            return Sregs.read(sregs);
        }
    }

    /**
     * Sets the special registers.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a combination that no processor
     *     can be in
     */
    public void setSregs(Sregs sregs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(Sregs.SIZE, Long.BYTES);
            sregs.write(segment);
            fd.ioctl("KVM_SET_SREGS", KvmRequests.KVM_SET_SREGS, segment);
        }
    }

    /** The special registers, with what {@link #sregs} leaves out. */
    public Sregs2 sregs2() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sregs = arena.allocate(Sregs2.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_SREGS2", KvmRequests.KVM_GET_SREGS2, sregs);
            return Sregs2.read(sregs);
        }
    }

    /** Sets the special registers; errors as for {@link #setSregs}. */
    public void setSregs2(Sregs2 sregs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(Sregs2.SIZE, Long.BYTES);
            sregs.write(segment);
            fd.ioctl("KVM_SET_SREGS2", KvmRequests.KVM_SET_SREGS2, segment);
        }
    }

    /** Bytes of {@link #xsave}: more than a page where the guest may use large registers (AMX). */
    public int xsaveSize() {
        return Math.max(XSAVE_SIZE, xsave2Size);
    }

    /**
     * The extended state, x87 to the largest vectors, in the standard form of the {@code XSAVE}
     * instruction (Intel SDM volume 1, 13.4).
     */
    public byte[] xsave() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(xsaveSize(), Long.BYTES);
            if (xsave2Size > 0) {
                fd.ioctl("KVM_GET_XSAVE2", KvmRequests.KVM_GET_XSAVE2, state);
            } else {
                fd.ioctl("KVM_GET_XSAVE", KvmRequests.KVM_GET_XSAVE, state);
            }
            return state.toArray(JAVA_BYTE);
        }
    }

    /**
     * Sets the extended state.
     *
     * @param content of {@link #xsaveSize} bytes
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when it has a part that the host or
     *     the guest's CPUID does not
     */
    public void setXsave(byte[] content) {
        Sizes.require("the extended state", content, xsaveSize());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(xsaveSize(), Long.BYTES);
            MemorySegment.copy(content, 0, state, JAVA_BYTE, 0, content.length);
            fd.ioctl("KVM_SET_XSAVE", KvmRequests.KVM_SET_XSAVE, state);
        }
    }

    /** The extended control registers; none on a host without {@code XSAVE}. */
    public List<Xcr> xcrs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(Xcr.LIST_SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_XCRS", KvmRequests.KVM_GET_XCRS, list);
            int count = list.get(JAVA_INT, Xcr.LIST_COUNT);
            List<Xcr> xcrs = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                long at = Xcr.LIST_ENTRIES + (long) i * Xcr.SIZE;
                xcrs.add(
                        new Xcr(
                                list.get(JAVA_INT, at + Xcr.INDEX),
                                list.get(JAVA_LONG, at + Xcr.VALUE)));
            }
            return List.copyOf(xcrs);
        }
    }

    /**
     * Sets the extended control registers.
     *
     * @param xcrs at most 16
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a value that the guest's CPUID
     *     does not allow
     */
    public void setXcrs(List<Xcr> xcrs) {
        if (xcrs.size() > Xcr.MOST) {
            throw new IllegalArgumentException(xcrs.size() + " extended control registers");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment list = arena.allocate(Xcr.LIST_SIZE, Long.BYTES);
            list.set(JAVA_INT, Xcr.LIST_COUNT, xcrs.size());
            for (int i = 0; i < xcrs.size(); i++) {
                long at = Xcr.LIST_ENTRIES + (long) i * Xcr.SIZE;
                list.set(JAVA_INT, at + Xcr.INDEX, xcrs.get(i).index());
                list.set(JAVA_LONG, at + Xcr.VALUE, xcrs.get(i).value());
            }
            fd.ioctl("KVM_SET_XCRS", KvmRequests.KVM_SET_XCRS, list);
        }
    }

    /** The debug registers. */
    public DebugRegisters debugRegisters() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment registers = arena.allocate(DebugRegisters.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_DEBUGREGS", KvmRequests.KVM_GET_DEBUGREGS, registers);
            return DebugRegisters.read(registers);
        }
    }

    /**
     * Sets the debug registers.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when status or control has one of
     *     its upper 32 bits set
     */
    public void setDebugRegisters(DebugRegisters registers) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(DebugRegisters.SIZE, Long.BYTES);
            registers.write(segment);
            fd.ioctl("KVM_SET_DEBUGREGS", KvmRequests.KVM_SET_DEBUGREGS, segment);
        }
    }

    /** Exceptions and interrupts on their way into the vCPU. */
    public VcpuEvents events() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocate(VcpuEvents.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_VCPU_EVENTS", KvmRequests.KVM_GET_VCPU_EVENTS, events);
            return VcpuEvents.read(events);
        }
    }

    /**
     * Sets what is on its way into the vCPU.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a flag whose capability is not
     *     there, or an exception that does not exist
     */
    public void setEvents(VcpuEvents events) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(VcpuEvents.SIZE, Long.BYTES);
            events.write(segment);
            fd.ioctl("KVM_SET_VCPU_EVENTS", KvmRequests.KVM_SET_VCPU_EVENTS, segment);
        }
    }

    /**
     * The registers of the local APIC.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when it is not in the kernel
     */
    public byte[] lapic() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment registers = arena.allocate(LAPIC_SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_LAPIC", KvmRequests.KVM_GET_LAPIC, registers);
            return registers.toArray(JAVA_BYTE);
        }
    }

    /** Sets the registers of the local APIC; errors as for {@link #lapic}. */
    public void setLapic(byte[] content) {
        Sizes.require("a local APIC", content, LAPIC_SIZE);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment registers = arena.allocate(LAPIC_SIZE, Long.BYTES);
            MemorySegment.copy(content, 0, registers, JAVA_BYTE, 0, content.length);
            fd.ioctl("KVM_SET_LAPIC", KvmRequests.KVM_SET_LAPIC, registers);
        }
    }

    /** Whether the vCPU runs, halts, or waits for its start: one of {@code KVM_MP_STATE_*}. */
    public int mpState() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(JAVA_INT);
            fd.ioctl("KVM_GET_MP_STATE", KvmRequests.KVM_GET_MP_STATE, state);
            return state.get(JAVA_INT, 0);
        }
    }

    /**
     * Makes the vCPU run, halt, or wait for its start.
     *
     * @param state one of {@code KVM_MP_STATE_*}
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a state that x86 does not have,
     *     or that needs the local APIC in the kernel
     */
    public void setMpState(int state) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocateFrom(JAVA_INT, state);
            fd.ioctl("KVM_SET_MP_STATE", KvmRequests.KVM_SET_MP_STATE, segment);
        }
    }
}
