// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.memory.GuestMemory;

/**
 * Guest memory at linear addresses: through the page tables, with faults, across pages.
 *
 * <p>An access translates all its pages before it touches the first byte, so one that faults, or
 * meets a page that is not there ({@link MissingPage}), has changed nothing. A value of up to 8
 * bytes that does not straddle a page is one access of the host's, as it is one of the processor's.
 * Memory only: an operand in a device is refused.
 */
final class LinearMemory {

    static final int PAGE_SIZE = 4096;

    /** More than the largest operand, an extended state with every component, has. */
    private static final int MOST_BYTES = 16 * PAGE_SIZE;

    private final GuestMemory memory;
    private final PageWalker walker;
    private final WideCompareExchange wide;

    /**
     * @param wide how 16 bytes are exchanged while other processors run
     */
    LinearMemory(GuestMemory memory, PageWalker walker, WideCompareExchange wide) {
        this.memory = memory;
        this.walker = walker;
        this.wide = wide;
    }

    /** The rights of data accesses of this processor. */
    private static int rights(Registers cpu) {
        return cpu.isUser() ? PageWalker.USER : 0;
    }

    /** The next instruction's bytes at a linear address: up to {@code size}, but of one page. */
    byte[] fetch(Registers cpu, long linear, int size, PageWalker.ProtectionKeys keys) {
        int length = Math.min(size, PAGE_SIZE - (int) (linear & (PAGE_SIZE - 1)));
        long gpa = walker.translate(cpu, linear, PageWalker.FETCH | rights(cpu), keys);
        byte[] bytes = new byte[length];
        require(gpa, length);
        memory.copyOut(gpa, bytes);
        return bytes;
    }

    /** A value of 1, 2, 4 or 8 bytes, zero-extended. */
    long read(Registers cpu, long linear, int size, PageWalker.ProtectionKeys keys) {
        if (straddles(linear, size)) {
            byte[] bytes = read(cpu, linear, new byte[size], keys);
            return LittleEndian.get(bytes, 0, size);
        }
        long gpa = translate(cpu, linear, size, PageWalker.READ, keys);
        return switch (size) {
            case 1 -> memory.readU8(gpa);
            case 2 -> memory.readU16(gpa);
            case 4 -> memory.readU32(gpa);
            case 8 -> memory.readU64(gpa);
            default -> throw new AssertionError(size);
        };
    }

    /** Stores the low 1, 2, 4 or 8 bytes of a value. */
    void write(Registers cpu, long linear, int size, long value, PageWalker.ProtectionKeys keys) {
        if (straddles(linear, size)) {
            byte[] bytes = new byte[size];
            LittleEndian.put(bytes, 0, size, value);
            write(cpu, linear, bytes, keys);
            return;
        }
        long gpa = translate(cpu, linear, size, PageWalker.WRITE, keys);
        switch (size) {
            case 1 -> memory.writeU8(gpa, (int) value);
            case 2 -> memory.writeU16(gpa, (int) value);
            case 4 -> memory.writeU32(gpa, value);
            case 8 -> memory.writeU64(gpa, value);
            default -> throw new AssertionError(size);
        }
    }

    /** Fills an array. */
    byte[] read(Registers cpu, long linear, byte[] target, PageWalker.ProtectionKeys keys) {
        long[] pages = pages(cpu, linear, target.length, PageWalker.READ, keys);
        int at = 0;
        for (long gpa : pages) {
            byte[] part = new byte[part(gpa, target.length - at)];
            memory.copyOut(gpa, part);
            System.arraycopy(part, 0, target, at, part.length);
            at += part.length;
        }
        return target;
    }

    /** Stores an array. */
    void write(Registers cpu, long linear, byte[] source, PageWalker.ProtectionKeys keys) {
        long[] pages = pages(cpu, linear, source.length, PageWalker.WRITE, keys);
        int at = 0;
        for (long gpa : pages) {
            int length = part(gpa, source.length - at);
            memory.copyIn(gpa, source, at, length);
            at += length;
        }
    }

    /** Raises the fault that a write to these bytes would raise, and does nothing else. */
    void probeWrite(Registers cpu, long linear, int size, PageWalker.ProtectionKeys keys) {
        pages(cpu, linear, size, PageWalker.WRITE, keys);
    }

    /**
     * Compares and exchanges 8 bytes atomically.
     *
     * @return what was there; equal to {@code expected} if {@code replacement} is there now
     */
    long compareExchange(
            Registers cpu,
            long linear,
            long expected,
            long replacement,
            PageWalker.ProtectionKeys keys) {
        if ((linear & 7) != 0) {
            throw new Refusal("an atomic access that is not aligned");
        }
        long gpa = translate(cpu, linear, Long.BYTES, PageWalker.WRITE, keys);
        return memory.compareAndExchangeU64(gpa, expected, replacement);
    }

    /**
     * Compares and exchanges 16 bytes atomically.
     *
     * @param linear a multiple of 16
     * @param expected low and high half; what was there takes its place
     * @return whether {@code replacement} is there now
     */
    boolean compareExchange(
            Registers cpu,
            long linear,
            long[] expected,
            long[] replacement,
            PageWalker.ProtectionKeys keys) {
        long gpa = translate(cpu, linear, 2 * Long.BYTES, PageWalker.WRITE, keys);
        return wide.compareExchange(memory, gpa, expected, replacement);
    }

    private static boolean straddles(long linear, int size) {
        return (linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
    }

    private static int part(long gpa, int left) {
        return (int) Math.min(PAGE_SIZE - (gpa & (PAGE_SIZE - 1)), left);
    }

    private long[] pages(
            Registers cpu, long linear, int size, int access, PageWalker.ProtectionKeys keys) {
        if (size > MOST_BYTES) {
            throw new Refusal("an operand of %d bytes".formatted(size));
        }
        int offset = (int) (linear & (PAGE_SIZE - 1));
        long[] pages = new long[(offset + size + PAGE_SIZE - 1) / PAGE_SIZE];
        for (int i = 0; i < pages.length; i++) {
            long at = i == 0 ? linear : linear - offset + (long) i * PAGE_SIZE;
            int length = Math.min(PAGE_SIZE - (i == 0 ? offset : 0), size - (int) (at - linear));
            pages[i] = translate(cpu, at, length, access, keys);
        }
        return pages;
    }

    private long translate(
            Registers cpu, long linear, int size, int access, PageWalker.ProtectionKeys keys) {
        long wrapped = cpu.longMode() ? linear : linear & 0xFFFF_FFFFL;
        long gpa = walker.translate(cpu, wrapped, access | rights(cpu), keys);
        require(gpa, size);
        return gpa;
    }

    private void require(long gpa, int size) {
        if (!memory.contains(gpa, size)) {
            throw new Refusal("its operand at physical address 0x%x is not memory".formatted(gpa));
        }
        MissingPage.require(memory, gpa, size);
    }
}
