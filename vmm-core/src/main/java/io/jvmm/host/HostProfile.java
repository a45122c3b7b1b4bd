// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import java.util.Map;
import java.util.Set;

/**
 * What the KVM of this host does with guests.
 *
 * @param kernel the host's kernel by {@code uname -r}
 * @param slowdown how many times longer a loop takes a guest in ring 0 than in ring 3: 1 on
 *     hardware virtualisation, hundreds where ring 0 is interpreted
 * @param kernelCpuid whose CPUID a guest reads in ring 0
 * @param userCpuid whose CPUID a guest reads in ring 3
 * @param failing instructions of kernels that this host fails to carry out in ring 0, although a
 *     guest is told that it may use them
 * @param wrong instructions that it takes in ring 0 for others, without a word
 * @param systemCalls whether the {@code syscall} of a guest's ring 3 arrives in its ring 0
 * @param paging how guest-physical memory is mapped
 * @param missingPages what KVM tells about a page that the host cannot supply
 * @param kicks what brings a vCPU out of the guest
 * @param capabilities the answers to {@code KVM_CHECK_EXTENSION}
 */
public record HostProfile(
        String kernel,
        int slowdown,
        CpuidSource kernelCpuid,
        CpuidSource userCpuid,
        Set<InstructionFamily> failing,
        Set<InstructionFamily> wrong,
        boolean systemCalls,
        Paging paging,
        MissingPages missingPages,
        Set<KickMode> kicks,
        Map<Capability, Integer> capabilities) {

    /** From here on ring 0 counts as interpreted; a busy machine alone makes less. */
    private static final int INTERPRETED = 16;

    /** Whose features CPUID shows. */
    public enum CpuidSource {
        /** Those that the monitor has set. */
        MONITOR,
        /** Others: the host's shine through. */
        HOST
    }

    /** Who translates guest-physical addresses. */
    public enum Paging {
        /** The processor: Intel's EPT, AMD's NPT. */
        TWO_DIMENSIONAL,
        /** KVM, by tables that follow the guest's. It walks the guest's own in software. */
        SHADOW,
        /** The trial ended in another way than either. */
        UNKNOWN
    }

    /** What {@code KVM_RUN} answers when the host cannot supply a page. */
    public enum MissingPages {
        /** {@code KVM_EXIT_MEMORY_FAULT} with the page's address. */
        ANNOTATED,
        /** A mere {@code EFAULT}. */
        BARE,
        /** Something else. */
        UNKNOWN
    }

    /** What brings a vCPU out of the guest, without a race against its entry. */
    public enum KickMode {
        /** {@code kvm_run.immediate_exit} and any signal. */
        IMMEDIATE_EXIT,
        /** A signal that {@code KVM_SET_SIGNAL_MASK} opens in the guest alone. */
        SIGNAL_MASK
    }

    public HostProfile {
        failing = Set.copyOf(failing);
        wrong = Set.copyOf(wrong);
        kicks = Set.copyOf(kicks);
        capabilities = Map.copyOf(capabilities);
    }

    /** Whether KVM runs a guest's ring 0 instruction by instruction. */
    public boolean interpretsRing0() {
        return slowdown >= INTERPRETED;
    }
}
