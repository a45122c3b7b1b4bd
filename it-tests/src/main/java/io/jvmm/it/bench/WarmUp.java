// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;

/** Brings Java's compiler to rest before anything is measured: it takes processors from others. */
final class WarmUp {

    private static final int QUIET_PASSES = 2;
    private static final long QUIET_MILLIS = 10;
    private static final int MOST_PASSES = 20;

    /** On a busy machine the compiler need not come to rest, and a pass may take long. */
    private static final Duration LONGEST = Duration.ofSeconds(60);

    /** What will be measured; ends early, with nothing but a shorter warm-up, once time is up. */
    interface Pass {
        void run(Limit limit) throws IOException, InterruptedException;
    }

    /**
     * The time at which a warm-up ends.
     *
     * @param nanoTime as {@link System#nanoTime} tells it
     */
    record Limit(long nanoTime) {
        boolean isOver() {
            return System.nanoTime() - nanoTime >= 0;
        }
    }

    private WarmUp() {}

    /**
     * Repeats it until next to nothing is compiled any more, it was done twenty times, or a minute
     * has passed.
     */
    static void with(Pass pass) throws IOException, InterruptedException {
        with(LONGEST, pass);
    }

    static void with(Duration longest, Pass pass) throws IOException, InterruptedException {
        Limit limit = new Limit(System.nanoTime() + longest.toNanos());
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        for (int quiet = 0, passes = 0;
                quiet < QUIET_PASSES && passes < MOST_PASSES && !limit.isOver();
                passes++) {
            long before = compiler.getTotalCompilationTime();
            pass.run(limit);
            long compiled = compiler.getTotalCompilationTime() - before;
            quiet = compiled <= QUIET_MILLIS ? quiet + 1 : 0;
        }
    }
}
