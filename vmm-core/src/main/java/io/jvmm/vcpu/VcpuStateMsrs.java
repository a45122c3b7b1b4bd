// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Which model-specific registers belong to the state of a vCPU, and in which order they are set.
 *
 * <p>KVM's list is not complete: it leaves out registers that it keeps for every guest, the memory
 * types and the machine-check banks.
 */
public final class VcpuStateMsrs {

    /** The time stamp counter. */
    public static final int TSC = 0x10;

    static final int TSC_DEADLINE = 0x6E0;

    private static final int MTRR_VARIABLE = 0x200;
    private static final int MTRR_VARIABLE_COUNT = 16;
    private static final List<Integer> MTRR_FIXED =
            List.of(
                    0x250, 0x258, 0x259, 0x268, 0x269, 0x26A, 0x26B, 0x26C, 0x26D, 0x26E, 0x26F,
                    0x2FF);
    private static final int MACHINE_CHECK_BANKS = 0x400;
    private static final int MACHINE_CHECK_REGISTERS = 4 * 32;

    private VcpuStateMsrs() {}

    /**
     * The registers to save: all that KVM lists, and those of the others that this vCPU has. It
     * asks for each, so ask once per machine; all vCPUs of one have the same.
     *
     * @param vcpu whose CPUID has been set, since that decides which registers there are
     */
    public static List<Integer> toSave(Kvm kvm, KvmVcpu vcpu) {
        Set<Integer> indices = new LinkedHashSet<>(kvm.msrIndices());
        List<Integer> others = new ArrayList<>(MTRR_FIXED);
        for (int i = 0; i < MTRR_VARIABLE_COUNT; i++) {
            others.add(MTRR_VARIABLE + i);
        }
        for (int i = 0; i < MACHINE_CHECK_REGISTERS; i++) {
            others.add(MACHINE_CHECK_BANKS + i);
        }
        for (MsrEntry known : vcpu.readMsrs(others).entries()) {
            indices.add(known.index());
        }
        return List.copyOf(indices);
    }

    /**
     * Registers in the order in which they are to be set: the time stamp counter first and its
     * deadline last, since a deadline is compared with the counter when it is set; restored the
     * other way round, a timer fires at once or in a hundred years.
     */
    static List<MsrEntry> inOrder(List<MsrEntry> entries) {
        return entries.stream()
                .sorted(Comparator.comparingInt(entry -> rank(entry.index())))
                .toList();
    }

    private static int rank(int index) {
        return switch (index) {
            case TSC -> 0;
            case TSC_DEADLINE -> 2;
            default -> 1;
        };
    }
}
