// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.CpuidEntry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

class CpuTopologyTest {

    private static final int TSC_DEADLINE = 1 << 24;
    private static final int HYPERVISOR = 1 << 31;
    private static final int MANY_THREADS = 1 << 28;

    private static final CpuidEntry FEATURES =
            new CpuidEntry(1, 0, 0, 0xA20F10, 0x07080800, 0x1000, 0x178BFBFF);

    private static CpuidEntry leaf(List<CpuidEntry> leaves, int function, int index) {
        return leaves.stream()
                .filter(entry -> entry.function() == function && entry.index() == index)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aSingleProcessorIsAlone() {
        CpuidEntry features =
                leaf(new CpuTopology(List.of(FEATURES), true, 1, true).leavesOf(0), 1, 0);
        assertThat(features.ebx() >>> 24).isZero();
        assertThat((features.ebx() >>> 16) & 0xFF).isEqualTo(1);
        assertThat(features.edx() & MANY_THREADS).isZero();
        assertThat(features.ecx() & HYPERVISOR).isEqualTo(HYPERVISOR);
        assertThat(features.ecx() & TSC_DEADLINE).isEqualTo(TSC_DEADLINE);
        // What is not about topology stays.
        assertThat(features.eax()).isEqualTo(FEATURES.eax());
        assertThat(features.ebx() & 0xFFFF).isEqualTo(FEATURES.ebx() & 0xFFFF);
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 1, 2", "3, 2, 2, 4", "8, 7, 3, 8", "32, 31, 5, 32", "64, 17, 6, 64"})
    void everyProcessorKnowsItsIdAndItsSiblings(int cpus, int index, int idBits, int addressable) {
        List<CpuidEntry> leaves =
                new CpuTopology(
                                List.of(FEATURES, new CpuidEntry(0xB, 0, 1, 0, 0, 0, 0)),
                                false,
                                cpus,
                                true)
                        .leavesOf(index);
        CpuidEntry features = leaf(leaves, 1, 0);
        assertThat(features.ebx() >>> 24).isEqualTo(index);
        assertThat((features.ebx() >>> 16) & 0xFF).isEqualTo(addressable);
        assertThat(features.edx() & MANY_THREADS).isEqualTo(MANY_THREADS);

        CpuidEntry thread = leaf(leaves, 0xB, 0);
        CpuidEntry core = leaf(leaves, 0xB, 1);
        CpuidEntry end = leaf(leaves, 0xB, 2);
        assertThat(List.of(thread.eax(), thread.ebx(), thread.ecx())).containsExactly(0, 1, 0x100);
        assertThat(List.of(core.eax(), core.ebx(), core.ecx()))
                .containsExactly(idBits, cpus, 0x201);
        assertThat(List.of(end.eax(), end.ebx(), end.ecx())).containsExactly(0, 0, 2);
        assertThat(List.of(thread, core, end)).allMatch(level -> level.edx() == index);
    }

    @Test
    void theHostsOwnLevelsDoNotRemain() {
        List<CpuidEntry> host =
                List.of(
                        new CpuidEntry(0xB, 0, 1, 1, 2, 0x100, 5),
                        new CpuidEntry(0xB, 1, 1, 7, 96, 0x201, 5),
                        new CpuidEntry(0xB, 2, 1, 0, 0, 2, 5));
        List<CpuidEntry> leaves = new CpuTopology(host, false, 2, true).leavesOf(1);
        assertThat(leaves).hasSize(3).allMatch(level -> level.edx() == 1);
    }

    /** KVM would ask a guest to do something else until a page comes that never will. */
    @Test
    void asynchronousPageFaultsCanBeHidden() {
        CpuidEntry kvm = new CpuidEntry(0x4000_0001, 0, 0, 0x0100_7EFB, 2, 3, 4);
        CpuidEntry shown = new CpuTopology(List.of(kvm), false, 1, true).leavesOf(0).getFirst();
        CpuidEntry hidden = new CpuTopology(List.of(kvm), false, 1, false).leavesOf(0).getFirst();
        assertThat(shown).isEqualTo(kvm);
        assertThat(hidden).isEqualTo(new CpuidEntry(0x4000_0001, 0, 0, 0x0100_3AEB, 2, 3, 4));
    }

    @Test
    void innerCachesBelongToACoreAndTheLastOneToAll() {
        CpuidEntry level1 = new CpuidEntry(4, 0, 1, 1 | (1 << 5) | (1 << 14) | (7 << 26), 0, 0, 0);
        CpuidEntry level3 = new CpuidEntry(4, 3, 1, 3 | (3 << 5) | (63 << 14) | (7 << 26), 0, 0, 0);
        CpuidEntry none = new CpuidEntry(4, 4, 1, 0, 0, 0, 0);
        List<CpuidEntry> leaves =
                new CpuTopology(List.of(level1, level3, none), false, 4, true).leavesOf(0);
        assertThat((leaf(leaves, 4, 0).eax() >>> 14) & 0xFFF).isZero();
        assertThat((leaf(leaves, 4, 3).eax() >>> 14) & 0xFFF).isEqualTo(3);
        assertThat(leaf(leaves, 4, 3).eax() >>> 26).isEqualTo(3);
        assertThat(leaf(leaves, 4, 4)).isEqualTo(none);
    }

    @Test
    void amdLeavesCountCores() {
        CpuidEntry sizes = new CpuidEntry(0x80000008, 0, 0, 0x3030, 0, 0x7007, 0);
        CpuidEntry identity = new CpuidEntry(0x8000001E, 0, 0, 9, 0x101, 0x300, 0);
        CpuidEntry cache = new CpuidEntry(0x8000001D, 3, 1, 3 | (3 << 5) | (15 << 14), 0, 0, 0);
        List<CpuidEntry> leaves =
                new CpuTopology(List.of(sizes, identity, cache), false, 4, true).leavesOf(3);
        assertThat(leaf(leaves, 0x80000008, 0).ecx()).isEqualTo((2 << 12) | 3);
        assertThat(leaf(leaves, 0x8000001E, 0).eax()).isEqualTo(3);
        assertThat((leaf(leaves, 0x8000001D, 3).eax() >>> 14) & 0xFFF).isEqualTo(3);
    }
}
