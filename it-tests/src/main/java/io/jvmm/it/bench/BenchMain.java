// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import java.util.Arrays;
import java.util.Map;

/** {@code ./vmm bench NAME}. */
public final class BenchMain {

    /** A benchmark: prints its table and ratios. */
    interface Benchmark {
        void run(String... args) throws Exception;
    }

    private static final Map<String, Benchmark> BENCHMARKS =
            Map.of(
                    BootBench.NAME,
                    BootBench::run,
                    "exits",
                    ExitsBench::run,
                    "kicks",
                    KicksBench::run,
                    "memory-faults",
                    MemoryFaultsBench::run,
                    "paging",
                    PagingBench::run,
                    StartupBench.NAME,
                    StartupBench::run);
    private static final int USAGE = 2;

    private BenchMain() {}

    /** Runs one benchmark by name. */
    public static void main(String... args) throws Exception {
        Benchmark benchmark = args.length == 0 ? null : BENCHMARKS.get(args[0]);
        if (benchmark == null) {
            System.err.println("usage: vmm bench NAME; names: " + BENCHMARKS.keySet());
            System.exit(USAGE);
            return;
        }
        benchmark.run(Arrays.copyOfRange(args, 1, args.length));
    }
}
