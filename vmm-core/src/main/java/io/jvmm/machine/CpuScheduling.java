// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.linux.Scheduling;
import io.jvmm.ffi.linux.Scheduling.Policy;

import java.util.Objects;

/**
 * How the host's kernel shares CPU time out to vCPU threads, as {@code sched(7)} describes it.
 *
 * <p>More than a thread has by default (a negative nice value, real time) needs {@code
 * CAP_SYS_NICE} or a limit that allows it; a machine whose threads may not have it is not made.
 */
public final class CpuScheduling {

    private final Scheduling scheduling;

    private CpuScheduling(Policy policy, int level) {
        scheduling = new Scheduling(policy, level);
    }

    /**
     * The usual way.
     *
     * @param nice from -20, which gets most, to 19
     * @throws IllegalArgumentException for any other number
     */
    public static CpuScheduling normal(int nice) {
        return new CpuScheduling(Policy.NORMAL, nice);
    }

    /**
     * As the usual way, for guests that compute and are in no hurry to answer.
     *
     * @param nice from -20, which gets most, to 19
     * @throws IllegalArgumentException for any other number
     */
    public static CpuScheduling batch(int nice) {
        return new CpuScheduling(Policy.BATCH, nice);
    }

    /** Only what nothing else on the host wants. */
    public static CpuScheduling idle() {
        return new CpuScheduling(Policy.IDLE, 0);
    }

    /**
     * Real time: before every thread that is not, and for as long as it does not wait. A vCPU that
     * spins keeps its CPU for itself.
     *
     * @param priority from 1 to 99, the highest
     * @throws IllegalArgumentException for any other number
     */
    public static CpuScheduling fifo(int priority) {
        return new CpuScheduling(Policy.FIFO, priority);
    }

    /**
     * Real time, taking turns with threads of the same priority.
     *
     * @param priority from 1 to 99, the highest
     * @throws IllegalArgumentException for any other number
     */
    public static CpuScheduling roundRobin(int priority) {
        return new CpuScheduling(Policy.ROUND_ROBIN, priority);
    }

    Scheduling scheduling() {
        return scheduling;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CpuScheduling that && scheduling.equals(that.scheduling);
    }

    @Override
    public int hashCode() {
        return Objects.hashCode(scheduling);
    }

    @Override
    public String toString() {
        return scheduling.policy() + " " + scheduling.level();
    }
}
