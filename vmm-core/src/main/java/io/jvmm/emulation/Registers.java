// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;

/**
 * The registers of a vCPU while one instruction is completed: a copy, which becomes the vCPU's only
 * when the instruction has succeeded.
 */
final class Registers {

    static final int RAX = 0;
    static final int RCX = 1;
    static final int RDX = 2;
    static final int RBX = 3;
    static final int RSP = 4;
    static final int RBP = 5;
    static final int RSI = 6;
    static final int RDI = 7;

    private final long[] general;
    private final Sregs system;
    private long rip;
    private long rflags;

    Registers(Regs r, Sregs system) {
        this.general =
                new long[] {
                    r.rax(), r.rcx(), r.rdx(), r.rbx(), r.rsp(), r.rbp(), r.rsi(), r.rdi(),
                    r.r8(), r.r9(), r.r10(), r.r11(), r.r12(), r.r13(), r.r14(), r.r15()
                };
        this.system = system;
        this.rip = r.rip();
        this.rflags = r.rflags();
    }

    Regs toRegs() {
        long[] g = general;
        return new Regs(
                g[RAX], g[RBX], g[RCX], g[RDX], g[RSI], g[RDI], g[RSP], g[RBP], g[8], g[9], g[10],
                g[11], g[12], g[13], g[14], g[15], rip, rflags);
    }

    /** A general register, by its number in instructions. */
    long general(int number) {
        return general[number];
    }

    /**
     * Sets a general register as instructions do: 4 bytes clear the upper half, 1 and 2 keep the
     * rest.
     *
     * @param size 1, 2, 4 or 8; never one of AH to BH
     */
    void general(int number, int size, long value) {
        general[number] =
                switch (size) {
                    case 8 -> value;
                    case 4 -> value & 0xFFFF_FFFFL;
                    case 2 -> (general[number] & ~0xFFFFL) | (value & 0xFFFF);
                    case 1 -> (general[number] & ~0xFFL) | (value & 0xFF);
                    default -> throw new AssertionError(size);
                };
    }

    Sregs system() {
        return system;
    }

    long rip() {
        return rip;
    }

    void rip(long address) {
        rip = address;
    }

    long rflags() {
        return rflags;
    }

    boolean flag(long bit) {
        return (rflags & bit) != 0;
    }

    void flag(long bit, boolean value) {
        rflags = value ? rflags | bit : rflags & ~bit;
    }

    /** The privilege level, 0 to 3: that of the stack segment (SDM volume 3, 5.5). */
    int privilege() {
        return system.ss().dpl();
    }

    boolean isUser() {
        return privilege() == 3;
    }

    /** Whether the code is 64-bit code. */
    boolean longMode() {
        return (system.efer() & ControlBits.EFER_LMA) != 0 && system.cs().l() != 0;
    }

    boolean cr0(long bit) {
        return (system.cr0() & bit) != 0;
    }

    boolean cr4(long bit) {
        return (system.cr4() & bit) != 0;
    }

    boolean efer(long bit) {
        return (system.efer() & bit) != 0;
    }

    /** A segment register by its number in instructions: ES, CS, SS, DS, FS, GS. */
    Segment segment(int number) {
        return switch (number) {
            case Instruction.ES -> system.es();
            case Instruction.CS -> system.cs();
            case Instruction.SS -> system.ss();
            case Instruction.DS -> system.ds();
            case Instruction.FS -> system.fs();
            case Instruction.GS -> system.gs();
            default -> throw new AssertionError(number);
        };
    }
}
