// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;

/** The kernel's view of the calling thread, which must be a platform thread. */
public final class NativeThread {

    // As many CPUs as the scratch segment holds; the kernel's own limit on x86-64 is 8192.
    private static final long SET_BYTES = Linux.SCRATCH_BYTES;
    private static final int THIS_THREAD = 0;

    private NativeThread() {}

    /** The thread's id, to {@linkplain Kick#send kick} it. */
    public static int id() {
        return (int) Linux.call(Nr.GETTID);
    }

    /** The id of the process. */
    public static int processId() {
        return (int) Linux.call(Nr.GETPID);
    }

    /** The CPUs on which the thread may run. */
    public static BitSet affinity() {
        MemorySegment set = Linux.scratch();
        long written =
                KernelException.check(
                        "sched_getaffinity",
                        Linux.call(Nr.SCHED_GETAFFINITY, THIS_THREAD, SET_BYTES, set.address()));
        BitSet cpus = new BitSet();
        for (long at = 0; at < written; at += Long.BYTES) {
            long word = set.get(JAVA_LONG, at);
            for (int bit = 0; bit < Long.SIZE; bit++) {
                cpus.set((int) at * Byte.SIZE + bit, (word >>> bit & 1) != 0);
            }
        }
        return cpus;
    }

    /**
     * Confines the thread to some CPUs.
     *
     * @throws KernelException with {@code EINVAL} if none of them may be used
     */
    public static void setAffinity(BitSet cpus) {
        if (cpus.length() > SET_BYTES * Byte.SIZE) {
            throw new IllegalArgumentException("CPU " + (cpus.length() - 1) + " is out of range");
        }
        MemorySegment set = Linux.scratch().fill((byte) 0);
        long[] words = cpus.toLongArray();
        for (int i = 0; i < words.length; i++) {
            set.setAtIndex(JAVA_LONG, i, words[i]);
        }
        KernelException.check(
                "sched_setaffinity",
                Linux.call(Nr.SCHED_SETAFFINITY, THIS_THREAD, SET_BYTES, set.address()));
    }
}
