// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** Special registers of a vCPU ({@code struct kvm_sregs}), a copy. */
public record Sregs(
        Segment cs,
        Segment ds,
        Segment es,
        Segment fs,
        Segment gs,
        Segment ss,
        Segment tr,
        Segment ldt,
        DescriptorTable gdt,
        DescriptorTable idt,
        long cr0,
        long cr2,
        long cr3,
        long cr4,
        long cr8,
        long efer,
        long apicBase) {

    /** A descriptor table register: linear address and limit (size minus one). */
    public record DescriptorTable(long base, int limit) {}

    static final int SIZE = 312;
    static final long CS = 0;
    static final long DS = 24;
    static final long ES = 48;
    static final long FS = 72;
    static final long GS = 96;
    static final long SS = 120;
    static final long TR = 144;
    static final long LDT = 168;
    static final long GDT = 192;
    static final long IDT = 208;
    static final long CR0 = 224;
    static final long CR2 = 232;
    static final long CR3 = 240;
    static final long CR4 = 248;
    static final long CR8 = 256;
    static final long EFER = 264;
    static final long APIC_BASE = 272;
    static final long TABLE_LIMIT = 8;

    /** Protection enable. */
    public static final long CR0_PE = 1;

    /** Monitor co-processor. */
    public static final long CR0_MP = 1L << 1;

    /** Extension type, always set on processors since the Pentium. */
    public static final long CR0_ET = 1L << 4;

    /** Native floating-point errors. */
    public static final long CR0_NE = 1L << 5;

    /** Supervisor honours write protection. */
    public static final long CR0_WP = 1L << 16;

    /** Paging. */
    public static final long CR0_PG = 1L << 31;

    /** Physical address extension. */
    public static final long CR4_PAE = 1L << 5;

    /** Long mode enabled. */
    public static final long EFER_LME = 1L << 8;

    /** EFER: {@code syscall} is on. */
    public static final long EFER_SCE = 1;

    /** Long mode active. */
    public static final long EFER_LMA = 1L << 10;

    /**
     * These registers in 64-bit mode, flat segments, with the given tables, in the ring that both
     * selectors have in their lowest two bits.
     */
    public Sregs longMode(
            long pageTables, DescriptorTable descriptors, int codeSelector, int dataSelector) {
        Segment data = Segment.data(dataSelector);
        return new Sregs(
                Segment.code64(codeSelector),
                data,
                data,
                data,
                data,
                data,
                tr,
                ldt,
                descriptors,
                new DescriptorTable(0, 0),
                CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
                0,
                pageTables,
                CR4_PAE,
                0,
                EFER_LME | EFER_LMA,
                apicBase);
    }

    /** As {@link #longMode}, but in 32-bit protected mode without paging. */
    public Sregs protectedMode(DescriptorTable descriptors, int codeSelector, int dataSelector) {
        Segment data = Segment.data(dataSelector);
        return new Sregs(
                Segment.code32(codeSelector),
                data,
                data,
                data,
                data,
                data,
                Segment.taskState(0, 0, 0x67),
                ldt,
                descriptors,
                new DescriptorTable(0, 0),
                CR0_PE | CR0_ET,
                0,
                0,
                0,
                0,
                0,
                apicBase);
    }

    /** These registers, which must be those of a reset, in real mode with every segment alike. */
    public Sregs realMode(int selector) {
        return new Sregs(
                cs.realMode(selector),
                ds.realMode(selector),
                es.realMode(selector),
                fs.realMode(selector),
                gs.realMode(selector),
                ss.realMode(selector),
                tr,
                ldt,
                gdt,
                idt,
                cr0,
                cr2,
                cr3,
                cr4,
                cr8,
                efer,
                apicBase);
    }

    /** These registers with another CR2, the address of a page fault. */
    public Sregs withCr2(long address) {
        return new Sregs(
                cs, ds, es, fs, gs, ss, tr, ldt, gdt, idt, cr0, address, cr3, cr4, cr8, efer,
                apicBase);
    }

    /** The same with another code and stack segment. */
    public Sregs withCode(Segment code, Segment stack) {
        return new Sregs(
                code, ds, es, fs, gs, stack, tr, ldt, gdt, idt, cr0, cr2, cr3, cr4, cr8, efer,
                apicBase);
    }

    /** The same with other extended features. */
    public Sregs withEfer(long features) {
        return new Sregs(
                cs, ds, es, fs, gs, ss, tr, ldt, gdt, idt, cr0, cr2, cr3, cr4, cr8, features,
                apicBase);
    }

    static Sregs read(MemorySegment m) {
        return new Sregs(
                Segment.read(m, CS),
                Segment.read(m, DS),
                Segment.read(m, ES),
                Segment.read(m, FS),
                Segment.read(m, GS),
                Segment.read(m, SS),
                Segment.read(m, TR),
                Segment.read(m, LDT),
                table(m, GDT),
                table(m, IDT),
                m.get(JAVA_LONG, CR0),
                m.get(JAVA_LONG, CR2),
                m.get(JAVA_LONG, CR3),
                m.get(JAVA_LONG, CR4),
                m.get(JAVA_LONG, CR8),
                m.get(JAVA_LONG, EFER),
                m.get(JAVA_LONG, APIC_BASE));
    }

    void write(MemorySegment m) {
        cs.write(m, CS);
        ds.write(m, DS);
        es.write(m, ES);
        fs.write(m, FS);
        gs.write(m, GS);
        ss.write(m, SS);
        tr.write(m, TR);
        ldt.write(m, LDT);
        table(m, GDT, gdt);
        table(m, IDT, idt);
        m.set(JAVA_LONG, CR0, cr0);
        m.set(JAVA_LONG, CR2, cr2);
        m.set(JAVA_LONG, CR3, cr3);
        m.set(JAVA_LONG, CR4, cr4);
        m.set(JAVA_LONG, CR8, cr8);
        m.set(JAVA_LONG, EFER, efer);
        m.set(JAVA_LONG, APIC_BASE, apicBase);
    }

    private static DescriptorTable table(MemorySegment m, long at) {
        return new DescriptorTable(
                m.get(JAVA_LONG, at), Short.toUnsignedInt(m.get(JAVA_SHORT, at + TABLE_LIMIT)));
    }

    private static void table(MemorySegment m, long at, DescriptorTable table) {
        m.set(JAVA_LONG, at, table.base());
        m.set(JAVA_SHORT, at + TABLE_LIMIT, (short) table.limit());
    }
}
