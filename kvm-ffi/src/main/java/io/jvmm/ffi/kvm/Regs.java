// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** General registers of a vCPU ({@code struct kvm_regs}), a copy. */
public record Regs(
        long rax,
        long rbx,
        long rcx,
        long rdx,
        long rsi,
        long rdi,
        long rsp,
        long rbp,
        long r8,
        long r9,
        long r10,
        long r11,
        long r12,
        long r13,
        long r14,
        long r15,
        long rip,
        long rflags) {

    static final int SIZE = 144;

    /** Bit 1 of the flags is always one (Intel SDM volume 1, 3.4.3). */
    public static final long RFLAGS_RESERVED = 2;

    /**
     * Registers as the Linux 64-bit boot protocol wants them: instruction pointer, stack, the
     * address of the boot parameters in RSI, interrupts off.
     */
    public static Regs atEntry(long rip, long rsp, long rsi) {
        return new Regs(0, 0, 0, 0, rsi, 0, rsp, 0, 0, 0, 0, 0, 0, 0, 0, 0, rip, RFLAGS_RESERVED);
    }

    /** These registers with another RBX. */
    public Regs withRbx(long newRbx) {
        return new Regs(
                rax, newRbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15,
                rip, rflags);
    }

    /** These registers with other flags. */
    public Regs withRflags(long newRflags) {
        return new Regs(
                rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip,
                newRflags);
    }

    static Regs read(MemorySegment s) {
        return new Regs(
                at(s, 0), at(s, 1), at(s, 2), at(s, 3), at(s, 4), at(s, 5), at(s, 6), at(s, 7),
                at(s, 8), at(s, 9), at(s, 10), at(s, 11), at(s, 12), at(s, 13), at(s, 14),
                at(s, 15), at(s, 16), at(s, 17));
    }

    void write(MemorySegment s) {
        long[] values = {
            rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip,
            rflags
        };
        MemorySegment.copy(values, 0, s, JAVA_LONG, 0, values.length);
    }

    private static long at(MemorySegment s, int index) {
        return s.getAtIndex(JAVA_LONG, index);
    }
}
