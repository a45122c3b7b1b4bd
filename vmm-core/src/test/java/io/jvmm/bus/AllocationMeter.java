// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import com.sun.management.ThreadMXBean;

import java.lang.management.ManagementFactory;

/** Measures what the current thread allocates on the Java heap. */
public final class AllocationMeter {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private AllocationMeter() {}

    /**
     * Runs an action often enough to be warm, then measures it.
     *
     * @return the bytes that {@code repetitions} runs allocated
     */
    public static long bytesAllocatedBy(Runnable action, int repetitions) {
        for (int i = 0; i < repetitions; i++) {
            action.run();
        }
        THREADS.getCurrentThreadAllocatedBytes();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < repetitions; i++) {
            action.run();
        }
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
