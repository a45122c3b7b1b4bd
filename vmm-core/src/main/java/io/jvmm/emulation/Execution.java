// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.Instruction.MemoryOperand;
import io.jvmm.emulation.TableEntry.Alignment;
import io.jvmm.emulation.TableEntry.Needs;
import io.jvmm.ffi.kvm.Segment;

/**
 * One instruction on its way: its operands, wherever they are.
 *
 * <p>An instruction writes memory last, so that its faults come before its effects.
 */
final class Execution {

    private final Registers cpu;
    private final ExtendedRegisters extended;
    private final LinearMemory memory;
    private final Instruction instruction;
    private int trap = -1;

    Execution(
            Registers cpu,
            ExtendedRegisters extended,
            LinearMemory memory,
            Instruction instruction) {
        this.cpu = cpu;
        this.extended = extended;
        this.memory = memory;
        this.instruction = instruction;
    }

    /** Does the instruction. */
    void perform() {
        TableEntry entry = instruction.entry();
        if (entry.needs() == Needs.SSE) {
            requireSse();
        } else if (entry.needs() == Needs.AVX) {
            requireAvx();
        }
        entry.action().perform(this);
    }

    private void requireSse() {
        if (cpu.cr0(ControlBits.CR0_EM) || !cpu.cr4(ControlBits.CR4_OSFXSR)) {
            throw GuestFault.invalidOpcode();
        }
        if (cpu.cr0(ControlBits.CR0_TS)) {
            throw GuestFault.deviceNotAvailable();
        }
    }

    private void requireAvx() {
        long needed = 1 << XsaveLayout.SSE | 1 << XsaveLayout.AVX;
        if (!cpu.cr4(ControlBits.CR4_OSXSAVE) || (extended.state().xcr0() & needed) != needed) {
            throw GuestFault.invalidOpcode();
        }
        if (cpu.cr0(ControlBits.CR0_TS)) {
            throw GuestFault.deviceNotAvailable();
        }
    }

    Registers cpu() {
        return cpu;
    }

    ExtendedRegisters extended() {
        return extended;
    }

    Instruction instruction() {
        return instruction;
    }

    /** The exception that the instruction raises after it is complete, or -1. */
    int trap() {
        return trap;
    }

    void trap(int vector) {
        trap = vector;
    }

    void requireSupervisor() {
        if (cpu.privilege() != 0) {
            throw GuestFault.generalProtection();
        }
    }

    boolean hasMemory() {
        return instruction.memory() != null;
    }

    /**
     * The linear address of the memory operand, whose segment allows the access (SDM volume 3, 5.3
     * and 5.5; volume 1, 3.3.7.1).
     */
    long address(int size, boolean write) {
        MemoryOperand operand = instruction.memory();
        if (operand == null) {
            throw new AssertionError(instruction.entry().name());
        }
        long offset = operand.offset(cpu, instruction.length());
        Segment segment = cpu.segment(operand.segment());
        boolean stack = operand.segment() == Instruction.SS;
        if (cpu.longMode()) {
            boolean hasBase =
                    operand.segment() == Instruction.FS || operand.segment() == Instruction.GS;
            long linear = hasBase ? offset + segment.base() : offset;
            if (!canonical(linear) || !canonical(linear + size - 1)) {
                throw stack ? GuestFault.stack() : GuestFault.generalProtection();
            }
            return linear;
        }
        requireSegment(segment, offset, size, write, stack);
        return (offset + segment.base()) & 0xFFFF_FFFFL;
    }

    private boolean canonical(long linear) {
        int unused = cpu.cr4(ControlBits.CR4_LA57) ? 64 - 57 : 64 - 48;
        return linear << unused >> unused == linear;
    }

    private static void requireSegment(
            Segment segment, long offset, int size, boolean write, boolean stack) {
        boolean code = (segment.type() & 8) != 0;
        boolean writable = !code && (segment.type() & 2) != 0;
        boolean readable = !code || (segment.type() & 2) != 0;
        boolean expandDown = !code && (segment.type() & 4) != 0;
        long limit = Integer.toUnsignedLong(segment.limit());
        long last = offset + size - 1;
        boolean within =
                expandDown
                        ? offset > limit && last <= (segment.db() != 0 ? 0xFFFF_FFFFL : 0xFFFF)
                        : last <= limit;
        if (segment.unusable() != 0
                || segment.present() == 0
                || !within
                || !(write ? writable : readable)) {
            throw stack ? GuestFault.stack() : GuestFault.generalProtection();
        }
    }

    /** Reads memory of the operand; {@code size} is 1, 2, 4 or 8. */
    long load(int size) {
        return memory.read(cpu, address(size, false), size, extended);
    }

    /** Writes memory of the operand. */
    void store(int size, long value) {
        memory.write(cpu, address(size, true), size, value, extended);
    }

    byte[] loadBytes(long linear, int size) {
        return memory.read(cpu, linear, new byte[size], extended);
    }

    void storeBytes(long linear, byte[] value) {
        memory.write(cpu, linear, value, extended);
    }

    /** Raises the fault of a write to these bytes, if any. */
    void probeWrite(long linear, int size) {
        memory.probeWrite(cpu, linear, size, extended);
    }

    long compareExchange(long linear, long expected, long replacement) {
        return memory.compareExchange(cpu, linear, expected, replacement, extended);
    }

    boolean compareExchange(long linear, long[] expected, long[] replacement) {
        return memory.compareExchange(cpu, linear, expected, replacement, extended);
    }

    /** The general operand of ModRM.rm, in a register or in memory. */
    long general(int size) {
        return hasMemory() ? load(size) : truncated(cpu.general(instruction.rm()), size);
    }

    /** Sets the general operand of ModRM.rm. */
    void general(int size, long value) {
        if (hasMemory()) {
            store(size, value);
        } else {
            cpu.general(instruction.rm(), size, value);
        }
    }

    static long truncated(long value, int size) {
        return size == Long.BYTES ? value : value & ((1L << (size * Byte.SIZE)) - 1);
    }

    /** Bytes of a vector operand of this instruction: 16 or 32. */
    int vectorBytes() {
        return instruction.vectorBytes();
    }

    /** The vector register of ModRM.reg. */
    long[] reg() {
        return extended.vector(instruction.reg(), vectorBytes());
    }

    /** The first source: the register of VEX.vvvv, or without VEX the target itself. */
    long[] first() {
        return extended.vector(
                instruction.vex() ? instruction.vvvv() : instruction.reg(), vectorBytes());
    }

    /** The vector operand of ModRM.rm, of the instruction's full size. */
    long[] rm() {
        return rm(vectorBytes());
    }

    /** The vector operand of ModRM.rm; if in memory, only {@code bytes} of it, zero-extended. */
    long[] rm(int bytes) {
        if (!hasMemory()) {
            return extended.vector(instruction.rm(), vectorBytes());
        }
        long linear = address(bytes, false);
        requireAligned(linear, bytes);
        byte[] content = loadBytes(linear, bytes);
        long[] value = new long[4];
        for (int i = 0; i < bytes; i += Long.BYTES) {
            value[i / Long.BYTES] = LittleEndian.get(content, i, Math.min(Long.BYTES, bytes - i));
        }
        return value;
    }

    /** Sets the vector register of ModRM.reg. */
    void reg(long[] value) {
        vector(instruction.reg(), value);
    }

    /** Sets a vector register as this kind of instruction does. */
    void vector(int number, long[] value) {
        if (instruction.vex()) {
            extended.wideVector(number, value);
        } else {
            extended.legacyVector(number, value);
        }
    }

    /** Stores the low bytes of a vector to the operand in memory. */
    void storeVector(int bytes, long[] value) {
        long linear = address(bytes, true);
        requireAligned(linear, bytes);
        byte[] content = new byte[bytes];
        for (int i = 0; i < bytes; i += Long.BYTES) {
            LittleEndian.put(content, i, Math.min(Long.BYTES, bytes - i), value[i / Long.BYTES]);
        }
        storeBytes(linear, content);
    }

    private void requireAligned(long linear, int bytes) {
        Alignment alignment = instruction.entry().alignment();
        boolean required =
                bytes >= 16
                        && (alignment == Alignment.VECTOR
                                || (alignment == Alignment.LEGACY_VECTOR && !instruction.vex()));
        if (required && (linear & (bytes - 1)) != 0) {
            throw GuestFault.generalProtection();
        }
    }
}
