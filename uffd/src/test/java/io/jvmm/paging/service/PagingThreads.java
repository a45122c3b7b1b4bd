// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.List;

/** Threads of services, of which there is one. */
final class PagingThreads {

    private PagingThreads() {}

    /** Waits until all whose name begins so sleep, and no time wakes them. */
    static void awaitAsleep(String name) {
        while (!isAsleep(named(name))) {
            // By the test's time limit.
            if (Thread.interrupted()) {
                throw new AssertionError(named(name) + " do not sleep");
            }
            Thread.onSpinWait();
        }
    }

    private static boolean isAsleep(List<Thread> threads) {
        return !threads.isEmpty()
                && threads.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING);
    }

    private static List<Thread> named(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(name))
                .toList();
    }
}
