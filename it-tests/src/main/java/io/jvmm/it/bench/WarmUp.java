package io.jvmm.it.bench;

import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;

/** Brings Java's compiler to rest before anything is measured: it takes processors from others. */
final class WarmUp {

    private static final int QUIET_PASSES = 2;
    private static final long QUIET_MILLIS = 10;
    private static final int MOST_PASSES = 20;

    /** What will be measured. */
    interface Pass {
        void run() throws IOException, InterruptedException;
    }

    private WarmUp() {}

    /** Repeats it until next to nothing is compiled any more, or it was done twenty times. */
    static void with(Pass pass) throws IOException, InterruptedException {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        for (int quiet = 0, passes = 0; quiet < QUIET_PASSES && passes < MOST_PASSES; passes++) {
            long before = compiler.getTotalCompilationTime();
            pass.run();
            long compiled = compiler.getTotalCompilationTime() - before;
            quiet = compiled <= QUIET_MILLIS ? quiet + 1 : 0;
        }
    }
}
