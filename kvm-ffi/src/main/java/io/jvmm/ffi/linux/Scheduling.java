// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * How the kernel shares CPU time out to a thread: {@code sched_setattr(2)}, {@code sched(7)}.
 *
 * @param policy the scheduling policy
 * @param level for {@link Policy#NORMAL} and {@link Policy#BATCH} the nice value, from -20 (most
 *     CPU time) to 19; for {@link Policy#FIFO} and {@link Policy#ROUND_ROBIN} the priority, from 1
 *     to 99 (highest); 0 for {@link Policy#IDLE}
 */
public record Scheduling(Policy policy, int level) {

    /** What the kernel calls {@code SCHED_*}. */
    public enum Policy {
        /** The usual one. */
        NORMAL(0, -20, 19),
        /** Real time: runs until it waits, or one of higher priority comes. */
        FIFO(1, 1, 99),
        /** Real time: as FIFO, but takes turns with its equals. */
        ROUND_ROBIN(2, 1, 99),
        /** As the usual one, taken for never being in a hurry. */
        BATCH(3, -20, 19),
        /** Runs when nothing else wants to. */
        IDLE(5, 0, 0);

        private final int number;
        private final int lowest;
        private final int highest;

        Policy(int number, int lowest, int highest) {
            this.number = number;
            this.lowest = lowest;
            this.highest = highest;
        }

        int number() {
            return number;
        }

        /** Before all threads that are not real time, and told by a priority. */
        public boolean isRealTime() {
            return this == FIFO || this == ROUND_ROBIN;
        }

        private static Policy of(int number) {
            for (Policy policy : values()) {
                if (policy.number == number) {
                    return policy;
                }
            }
            throw new IllegalStateException("no policy has the number " + number);
        }
    }

    private static final long SIZE = 0;
    private static final long POLICY = 4;
    private static final long NICE = 16;
    private static final long PRIORITY = 20;

    /** The whole of {@code struct sched_attr} as Linux 3.14 knew it; each later kernel takes it. */
    private static final int ATTR_BYTES = 48;

    private static final int THIS_THREAD = 0;
    private static final int NO_FLAGS = 0;

    /**
     * Checks the level.
     *
     * @throws IllegalArgumentException if the policy has no such level
     */
    public Scheduling {
        if (level < policy.lowest || level > policy.highest) {
            throw new IllegalArgumentException(
                    "%d is out of range %d to %d".formatted(level, policy.lowest, policy.highest));
        }
    }

    /** Whatever the calling thread has. */
    public static Scheduling current() {
        MemorySegment attr = Linux.scratch();
        KernelException.check(
                "sched_getattr",
                Linux.call(Nr.SCHED_GETATTR, THIS_THREAD, attr.address(), ATTR_BYTES, NO_FLAGS));
        Policy policy = Policy.of(attr.get(JAVA_INT, POLICY));
        return new Scheduling(
                policy,
                switch (policy) {
                    case NORMAL, BATCH -> attr.get(JAVA_INT, NICE);
                    case FIFO, ROUND_ROBIN -> attr.get(JAVA_INT, PRIORITY);
                    case IDLE -> 0;
                });
    }

    /**
     * Makes it so for the calling thread, which must be a platform thread, and for threads that it
     * starts from now on.
     *
     * @throws KernelException {@code EPERM} without the right to it
     */
    public void apply() {
        MemorySegment attr = Linux.scratch();
        attr.asSlice(0, ATTR_BYTES).fill((byte) 0);
        attr.set(JAVA_INT, SIZE, ATTR_BYTES);
        attr.set(JAVA_INT, POLICY, policy.number());
        attr.set(JAVA_INT, policy.isRealTime() ? PRIORITY : NICE, level);
        long result = Linux.call(Nr.SCHED_SETATTR, THIS_THREAD, attr.address(), NO_FLAGS);
        try {
            KernelException.check("sched_setattr", result);
        } catch (KernelException e) {
            throw e.errno().equals(Errno.EPERM)
                    ? e.withRemedy("give the process CAP_SYS_NICE, or raise ulimit -r and -e")
                    : e;
        }
    }
}
