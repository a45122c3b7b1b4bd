// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Scheduling;

import java.util.BitSet;
import java.util.Optional;
import java.util.Set;

/**
 * Where a vCPU's thread runs on the host, and how much it gets there.
 *
 * @param cpus the host's CPUs on which it may run; empty for all that the process may use
 * @param scheduling its policy; empty for that of the thread that makes the vCPU
 */
public record VcpuPlacement(Set<Integer> cpus, Optional<Scheduling> scheduling) {

    /** On any CPU. */
    public static final VcpuPlacement ANYWHERE = new VcpuPlacement(Set.of(), Optional.empty());

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException for a negative CPU
     */
    public VcpuPlacement {
        cpus = Set.copyOf(cpus);
        for (int cpu : cpus) {
            if (cpu < 0) {
                throw new IllegalArgumentException("there is no CPU " + cpu);
            }
        }
    }

    /** On one CPU alone. */
    public static VcpuPlacement on(int cpu) {
        return new VcpuPlacement(Set.of(cpu), Optional.empty());
    }

    /**
     * Makes it so for the calling thread.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} if none of the CPUs may be used;
     *     {@code EPERM} if the policy needs a right that the process does not have
     * @throws IllegalArgumentException if there cannot be such a CPU
     */
    void apply() {
        scheduling.ifPresent(Scheduling::apply);
        if (cpus.isEmpty()) {
            return;
        }
        BitSet set = new BitSet();
        for (int cpu : cpus) {
            set.set(cpu);
        }
        NativeThread.setAffinity(set);
    }
}
