package io.jvmm.vcpu;

import io.jvmm.ffi.linux.NativeThread;

import java.util.BitSet;
import java.util.Set;

/**
 * Where a vCPU's thread runs on the host.
 *
 * @param cpus the host's CPUs on which it may run; empty for all that the process may use
 */
public record VcpuPlacement(Set<Integer> cpus) {

    /** On any CPU. */
    public static final VcpuPlacement ANYWHERE = new VcpuPlacement(Set.of());

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
        return new VcpuPlacement(Set.of(cpu));
    }

    /**
     * Makes it so for the calling thread.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} if none of the CPUs may be used
     * @throws IllegalArgumentException if there cannot be such a CPU
     */
    void apply() {
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
