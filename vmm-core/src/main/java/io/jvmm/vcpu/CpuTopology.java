// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_CPUID_FLAG_SIGNIFCANT_INDEX;

import io.jvmm.ffi.kvm.CpuidEntry;

import java.util.ArrayList;
import java.util.List;

/**
 * What CPUID tells a vCPU about itself: the leaves that KVM supports on this host, with the
 * topology of this machine written in: one package, as many cores as there are vCPUs, one thread
 * each, local APIC ids counted from 0.
 *
 * <p>Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; KVM's {@code
 * Documentation/virt/kvm/x86/cpuid.rst}.
 */
final class CpuTopology {

    private static final int LEAF_FEATURES = 0x1;
    private static final int LEAF_CACHES = 0x4;
    private static final int LEAF_TOPOLOGY = 0xB;
    private static final int LEAF_TOPOLOGY_V2 = 0x1F;
    private static final int LEAF_AMD_SIZES = 0x8000_0008;
    private static final int LEAF_AMD_CACHES = 0x8000_001D;
    private static final int LEAF_AMD_TOPOLOGY = 0x8000_001E;

    private static final int LEAF_KVM_FEATURES = 0x4000_0001;

    /** {@code KVM_FEATURE_ASYNC_PF}, {@code …_ASYNC_PF_VMEXIT}, {@code …_ASYNC_PF_INT}. */
    private static final int KVM_FEATURES_ASYNC_PF = 1 << 4 | 1 << 10 | 1 << 14;

    private static final int FEATURES_ECX_TSC_DEADLINE = 1 << 24;
    private static final int FEATURES_ECX_HYPERVISOR = 1 << 31;
    private static final int FEATURES_EDX_MANY_THREADS = 1 << 28;

    private static final int LEVEL_INVALID = 0;
    private static final int LEVEL_THREAD = 1;
    private static final int LEVEL_CORE = 2;
    private static final int LEVEL_TYPE_SHIFT = 8;

    private final List<CpuidEntry> supported;
    private final boolean tscDeadline;
    private final int cpus;
    private final boolean asyncPageFaults;
    private final int idBits;

    /**
     * @param supported the leaves that KVM supports
     * @param tscDeadline whether KVM's local APIC has the TSC deadline mode; the supported leaves
     *     of older kernels do not tell
     * @param cpus number of vCPUs
     * @param asyncPageFaults whether the guest may be told that a page is missing, and do something
     *     else meanwhile
     */
    CpuTopology(
            List<CpuidEntry> supported, boolean tscDeadline, int cpus, boolean asyncPageFaults) {
        this.asyncPageFaults = asyncPageFaults;
        this.supported = supported;
        this.tscDeadline = tscDeadline;
        this.cpus = cpus;
        this.idBits = Integer.SIZE - Integer.numberOfLeadingZeros(cpus - 1);
    }

    /** The leaves of the vCPU with this index. */
    List<CpuidEntry> leavesOf(int index) {
        List<CpuidEntry> leaves = new ArrayList<>(supported.size() + 2);
        for (CpuidEntry leaf : supported) {
            switch (leaf.function()) {
                case LEAF_FEATURES -> leaves.add(features(leaf, index));
                case LEAF_CACHES -> leaves.add(intelCache(leaf));
                case LEAF_TOPOLOGY, LEAF_TOPOLOGY_V2 -> {
                    // Replaced as a whole, once, by the levels of this machine.
                    if (leaf.index() == 0) {
                        addLevels(leaves, leaf.function(), index);
                    }
                }
                case LEAF_AMD_SIZES ->
                        leaves.add(
                                leaf.with(
                                        leaf.eax(),
                                        leaf.ebx(),
                                        (idBits << 12) | (cpus - 1),
                                        leaf.edx()));
                case LEAF_KVM_FEATURES -> leaves.add(kvmFeatures(leaf));
                case LEAF_AMD_CACHES -> leaves.add(amdCache(leaf));
                case LEAF_AMD_TOPOLOGY -> leaves.add(leaf.with(index, index & 0xFF, 0, 0));
                default -> leaves.add(leaf);
            }
        }
        return leaves;
    }

    private CpuidEntry kvmFeatures(CpuidEntry leaf) {
        int eax = asyncPageFaults ? leaf.eax() : leaf.eax() & ~KVM_FEATURES_ASYNC_PF;
        return leaf.with(eax, leaf.ebx(), leaf.ecx(), leaf.edx());
    }

    private CpuidEntry features(CpuidEntry leaf, int index) {
        int ebx = (leaf.ebx() & 0xFFFF) | (Math.min(1 << idBits, 0xFF) << 16) | (index << 24);
        int ecx = leaf.ecx() | FEATURES_ECX_HYPERVISOR;
        if (tscDeadline) {
            ecx |= FEATURES_ECX_TSC_DEADLINE;
        }
        int edx = leaf.edx() & ~FEATURES_EDX_MANY_THREADS;
        if (cpus > 1) {
            edx |= FEATURES_EDX_MANY_THREADS;
        }
        return leaf.with(leaf.eax(), ebx, ecx, edx);
    }

    /** Caches of level 1 and 2 belong to a core, deeper ones to the package. */
    private CpuidEntry intelCache(CpuidEntry leaf) {
        int type = leaf.eax() & 0x1F;
        if (type == 0) {
            return leaf;
        }
        int level = (leaf.eax() >>> 5) & 0x7;
        int sharing = level <= 2 ? 0 : Math.min((1 << idBits) - 1, 0xFFF);
        int cores = Math.min((1 << idBits) - 1, 0x3F);
        int eax = (leaf.eax() & 0x3FFF) | (sharing << 14) | (cores << 26);
        return leaf.with(eax, leaf.ebx(), leaf.ecx(), leaf.edx());
    }

    private CpuidEntry amdCache(CpuidEntry leaf) {
        int level = (leaf.eax() >>> 5) & 0x7;
        int sharing = level <= 2 ? 0 : Math.min(cpus - 1, 0xFFF);
        int eax = (leaf.eax() & 0x3FFF) | (sharing << 14);
        return leaf.with(eax, leaf.ebx(), leaf.ecx(), leaf.edx());
    }

    private void addLevels(List<CpuidEntry> leaves, int function, int index) {
        addLevel(leaves, function, 0, LEVEL_THREAD, 0, 1, index);
        addLevel(leaves, function, 1, LEVEL_CORE, idBits, cpus, index);
        addLevel(leaves, function, 2, LEVEL_INVALID, 0, 0, index);
    }

    private static void addLevel(
            List<CpuidEntry> leaves,
            int function,
            int level,
            int type,
            int shift,
            int count,
            int id) {
        leaves.add(
                new CpuidEntry(
                        function,
                        level,
                        KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
                        shift,
                        count,
                        (type << LEVEL_TYPE_SHIFT) | level,
                        id));
    }
}
