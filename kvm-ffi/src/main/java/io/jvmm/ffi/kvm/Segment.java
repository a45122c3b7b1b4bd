// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * A segment register with its hidden part ({@code struct kvm_segment}), a copy. Field names are the
 * kernel's; their meaning is in the Intel SDM, volume 3, 3.4.5.
 */
public record Segment(
        long base,
        int limit,
        int selector,
        int type,
        int present,
        int dpl,
        int db,
        int s,
        int l,
        int g,
        int avl,
        int unusable) {

    static final int SIZE = 24;
    static final long BASE = 0;
    static final long LIMIT = 8;
    static final long SELECTOR = 12;
    static final long TYPE = 14;
    static final long PRESENT = 15;
    static final long DPL = 16;
    static final long DB = 17;
    static final long S = 18;
    static final long L = 19;
    static final long G = 20;
    static final long AVL = 21;
    static final long UNUSABLE = 22;

    private static final int EXECUTE_READ_ACCESSED = 0xB;
    private static final int READ_WRITE_ACCESSED = 0x3;
    private static final int BUSY_TSS = 0xB;
    private static final int FLAT_LIMIT = 0xFFFF_FFFF;
    private static final int RING = 3;

    /** A flat 64-bit code segment of the ring in the selector's lowest two bits. */
    public static Segment code64(int selector) {
        int ring = selector & RING;
        return new Segment(
                0, FLAT_LIMIT, selector, EXECUTE_READ_ACCESSED, 1, ring, 0, 1, 1, 1, 0, 0);
    }

    /** A flat 32-bit code segment of the ring in the selector's lowest two bits. */
    public static Segment code32(int selector) {
        int ring = selector & RING;
        return new Segment(
                0, FLAT_LIMIT, selector, EXECUTE_READ_ACCESSED, 1, ring, 1, 1, 0, 1, 0, 0);
    }

    /** A flat data segment of the ring in the selector's lowest two bits. */
    public static Segment data(int selector) {
        int ring = selector & RING;
        return new Segment(0, FLAT_LIMIT, selector, READ_WRITE_ACCESSED, 1, ring, 1, 1, 0, 1, 0, 0);
    }

    /** A task state segment that is loaded, as an entry in protected mode requires. */
    public static Segment taskState(int selector, long base, int limit) {
        return new Segment(base, limit, selector, BUSY_TSS, 1, 0, 0, 0, 0, 0, 0, 0);
    }

    /** A real-mode segment: the base is sixteen times the selector. */
    public Segment realMode(int newSelector) {
        return new Segment(
                (long) newSelector << 4,
                limit,
                newSelector,
                type,
                present,
                dpl,
                db,
                s,
                l,
                g,
                avl,
                unusable);
    }

    static Segment read(MemorySegment m, long at) {
        return new Segment(
                m.get(JAVA_LONG, at + BASE),
                m.get(JAVA_INT, at + LIMIT),
                Short.toUnsignedInt(m.get(JAVA_SHORT, at + SELECTOR)),
                m.get(JAVA_BYTE, at + TYPE),
                m.get(JAVA_BYTE, at + PRESENT),
                m.get(JAVA_BYTE, at + DPL),
                m.get(JAVA_BYTE, at + DB),
                m.get(JAVA_BYTE, at + S),
                m.get(JAVA_BYTE, at + L),
                m.get(JAVA_BYTE, at + G),
                m.get(JAVA_BYTE, at + AVL),
                m.get(JAVA_BYTE, at + UNUSABLE));
    }

    void write(MemorySegment m, long at) {
        m.set(JAVA_LONG, at + BASE, base);
        m.set(JAVA_INT, at + LIMIT, limit);
        m.set(JAVA_SHORT, at + SELECTOR, (short) selector);
        m.set(JAVA_BYTE, at + TYPE, (byte) type);
        m.set(JAVA_BYTE, at + PRESENT, (byte) present);
        m.set(JAVA_BYTE, at + DPL, (byte) dpl);
        m.set(JAVA_BYTE, at + DB, (byte) db);
        m.set(JAVA_BYTE, at + S, (byte) s);
        m.set(JAVA_BYTE, at + L, (byte) l);
        m.set(JAVA_BYTE, at + G, (byte) g);
        m.set(JAVA_BYTE, at + AVL, (byte) avl);
        m.set(JAVA_BYTE, at + UNUSABLE, (byte) unusable);
    }
}
