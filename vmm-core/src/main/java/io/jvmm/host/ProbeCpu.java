// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.Sregs.DescriptorTable;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.host.ProbeVm.Ring;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Brings the vCPU of a {@link ProbeVm} into 64-bit mode in either ring, with all that user programs
 * find turned on: SSE, and the extended state that CPUID offers.
 *
 * <p>The page tables, one tree per ring, map linear addresses to the same guest-physical ones. What
 * runs in ring 0 has pages of ring 0, for SMEP and SMAP to be tried.
 */
final class ProbeCpu {

    static final int PAGE_BYTES = 4096;

    private static final int TREE_KERNEL = 0x1000;
    private static final int TREE_USER = 0x4000;
    private static final int TREE_LEVEL_BYTES = PAGE_BYTES;
    private static final int TABLE_KERNEL = 0xC000;
    private static final int TABLE_USER = 0xD000;
    private static final int ENTRIES = 512;
    private static final int ENTRY_PRESENT_WRITABLE = 3;
    private static final int ENTRY_USER = 4;

    static final int CODE_SELECTOR = 0x10;
    private static final int DATA_SELECTOR = 0x18;
    private static final long CR4_OSFXSR = 1L << 9;
    private static final long CR4_OSXMMEXCPT = 1L << 10;
    private static final long CR4_OSXSAVE = 1L << 18;
    private static final int LEAF_EXTENDED_STATE = 0xD;

    /** The x87, SSE, AVX and AVX-512: the parts that need no more than a bit in XCR0. */
    private static final int PLAIN_STATES = 0xE7;

    private final KvmVcpu vcpu;
    private final boolean hasXsave;
    private final long states;

    /**
     * @param cpuid what was set for the vCPU
     */
    ProbeCpu(KvmVcpu vcpu, List<CpuidEntry> cpuid) {
        this.vcpu = vcpu;
        this.hasXsave = CpuFeature.XSAVE.isShownBy(CpuidAnswers.of(cpuid));
        this.states =
                cpuid.stream()
                        .filter(leaf -> leaf.function() == LEAF_EXTENDED_STATE && leaf.index() == 0)
                        .mapToLong(leaf -> leaf.eax() & PLAIN_STATES)
                        .findFirst()
                        .orElse(1);
    }

    /**
     * Writes the page tables of both rings.
     *
     * @param missing guest-physical address of a page that is to serve as a page table too
     * @param behind linear address, a multiple of 2 MiB, that this table maps
     */
    static void writePageTables(MemorySegment memory, int missing, int behind) {
        writeTree(memory, TREE_KERNEL, TABLE_KERNEL, ENTRY_PRESENT_WRITABLE, missing, behind);
        int user = ENTRY_PRESENT_WRITABLE | ENTRY_USER;
        writeTree(memory, TREE_USER, TABLE_USER, user, missing, behind);
    }

    private static void writeTree(
            MemorySegment memory, int top, int table, int flags, int missing, int behind) {
        int second = top + TREE_LEVEL_BYTES;
        int directory = second + TREE_LEVEL_BYTES;
        memory.set(JAVA_LONG, top, second | flags);
        memory.set(JAVA_LONG, second, directory | flags);
        memory.set(JAVA_LONG, directory, table | flags);
        memory.set(JAVA_LONG, directory + (behind >> 21) * Long.BYTES, missing | flags);
        for (int page = 0; page < ENTRIES; page++) {
            memory.set(JAVA_LONG, table + page * Long.BYTES, page * PAGE_BYTES | flags);
        }
    }

    /** Sets everything but the general registers. */
    void enter(Ring ring) {
        int tree = ring == Ring.KERNEL ? TREE_KERNEL : TREE_USER;
        Sregs s =
                vcpu.sregs()
                        .longMode(
                                tree,
                                new DescriptorTable(0, 0),
                                CODE_SELECTOR | ring.level(),
                                DATA_SELECTOR | ring.level());
        Segment data = s.ds();
        long cr4 = s.cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (hasXsave ? CR4_OSXSAVE : 0);
        vcpu.setSregs(
                new Sregs(
                        s.cs(),
                        data,
                        data,
                        data,
                        data,
                        data,
                        s.tr(),
                        s.ldt(),
                        s.gdt(),
                        s.idt(),
                        s.cr0(),
                        s.cr2(),
                        s.cr3(),
                        cr4,
                        s.cr8(),
                        s.efer() | Sregs.EFER_SCE,
                        s.apicBase()));
        if (hasXsave) {
            vcpu.setXcrs(List.of(new Xcr(0, states)));
        }
    }
}
