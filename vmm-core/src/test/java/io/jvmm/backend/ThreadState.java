// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Awaits that a thread waits, which nothing but its state tells. */
final class ThreadState {

    private static final Duration LIMIT = Duration.ofSeconds(20);

    private ThreadState() {}

    /** Returns once the thread waits without a time limit for another one. */
    static void awaitWaiting(Thread thread) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (thread.getState() != Thread.State.WAITING) {
            if (System.nanoTime() > deadline || !thread.isAlive()) {
                fail("%s is %s instead of waiting", thread.getName(), thread.getState());
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Returns once all threads are in the kernel or about to be, which Java calls runnable. */
    static void awaitNative(List<Thread> threads) {
        for (Thread thread : threads) {
            long deadline = System.nanoTime() + LIMIT.toNanos();
            while (!isInSystemCall(thread)) {
                if (System.nanoTime() > deadline) {
                    fail("%s does not come to rest", thread.getName());
                }
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    private static boolean isInSystemCall(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("await"));
    }

    /** Returns once the thread has ended. */
    static void awaitEnd(Thread thread) throws InterruptedException {
        if (!thread.join(LIMIT)) {
            fail("%s does not end", thread.getName());
        }
    }
}
