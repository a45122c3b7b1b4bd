// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.paging.FaultMode;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Pages per second of vCPUs that serve their own faults, beside those of vCPUs that wait in the
 * kernel, and beside a C program that does the same, for 1 to 8 of them: each page is missing,
 * comes alone, and the same guest reads it. All ways that the host has take turns within a round;
 * ratios are medians over the rounds. A way that it does not have is named with the reason.
 *
 * <p>Scaling is to be read with the number of CPUs in mind, which is printed: vCPUs beyond it take
 * turns.
 */
final class MemoryFaultsBench {

    private static final int ROUNDS = 9;
    private static final int FAULTS = 8192;
    private static final int NATIVE_RING = 3;

    private static final int WARM_UP_FAULTS = 8192;

    /** A slot of KVM each, and each costs KVM much to replace. */
    private static final int MOST_SLOTS = 256;

    private static final int[] VCPUS = {1, 2, 4, 8};
    private static final int MOST_VCPUS = 8;
    private static final double NANOS_PER_SECOND = 1e9;

    private final PrintStream out;
    private final int rounds;
    private final int faults;
    private final int ring;
    private final StringBuilder ratios = new StringBuilder();

    private MemoryFaultsBench(PrintStream out, int rounds, int faults, int ring) {
        this.out = out;
        this.rounds = rounds;
        this.faults = faults;
        this.ring = ring;
    }

    /** The first is what the others are compared with. */
    private List<FaultWay> ways(CReference c) {
        List<FaultWay> ways = new ArrayList<>();
        for (FaultMode mode : FaultMode.values()) {
            ways.add(new ServiceWay(mode, false, faults));
            ways.add(new ReferenceWay(mode, faults, c));
        }
        ways.add(new ServiceWay(FaultMode.BLOCKING, true, faults));
        ways.add(new GuestMemfdWay(Math.min(faults, MOST_SLOTS)));
        return ways;
    }

    /**
     * {@code [ROUNDS [FAULTS [RING]]]}: how often to measure, how many faults each time, and the
     * guest's ring.
     */
    static void run(String... args) throws IOException, InterruptedException {
        run(System.out, args);
    }

    static void run(PrintStream out, String... args) throws IOException, InterruptedException {
        new MemoryFaultsBench(
                        out,
                        argument(0, ROUNDS, args),
                        argument(1, FAULTS, args),
                        argument(2, NATIVE_RING, args))
                .run();
    }

    private static int argument(int index, int otherwise, String... args) {
        return args.length > index ? Integer.parseInt(args[index]) : otherwise;
    }

    private void run() throws IOException, InterruptedException {
        try (CReference c = CReference.start("memory-faults", Integer.toString(ring))) {
            compare(ways(c));
        }
        out.println();
        out.print(ratios);
    }

    private void compare(List<FaultWay> ways) throws IOException, InterruptedException {
        out.printf(
                "memory faults, guest in ring %d on %d CPUs, %d rounds; pages/s%n%n",
                ring, Runtime.getRuntime().availableProcessors(), rounds);
        List<FaultWay> here = new ArrayList<>();
        try (Kvm kvm = Kvm.open()) {
            for (FaultWay way : ways) {
                Optional<String> refusal = way.refusal(kvm);
                if (refusal.isEmpty()) {
                    here.add(way);
                } else if (way.isJava()) {
                    out.printf("%s: not on this host: %s%n", way.label(), refusal.get());
                }
            }
        }
        out.printf("%n%-6s", "vCPUs");
        here.forEach(way -> out.printf(" %15s", way.label()));
        out.println();
        WarmUp.with(limit -> warmUp(here, limit));
        double[][] alone = {};
        for (int vcpus : VCPUS) {
            double[][] nanos = measure(here, vcpus);
            alone = vcpus == 1 ? nanos : alone;
            print(here, vcpus, nanos, alone);
        }
    }

    private void warmUp(List<FaultWay> here, WarmUp.Limit limit)
            throws IOException, InterruptedException {
        for (FaultWay way : here) {
            for (int done = 0;
                    done < WARM_UP_FAULTS && way.isJava() && !limit.isOver();
                    done += faults) {
                // Faults that come alone, and many at a time, are not served in the same way.
                way.run(ring, 1);
                way.run(ring, MOST_VCPUS);
            }
        }
    }

    /** Nanoseconds per page, by way and round. */
    private double[][] measure(List<FaultWay> here, int vcpus)
            throws IOException, InterruptedException {
        double[][] nanos = new double[here.size()][rounds];
        // The first round does not count.
        for (int round = -1; round < rounds; round++) {
            int at = Math.max(round, 0);
            for (int turn = 0; turn < here.size(); turn++) {
                // Each goes first in turn.
                int way = (turn + at) % here.size();
                nanos[way][at] = here.get(way).run(ring, vcpus);
            }
        }
        return nanos;
    }

    /**
     * One line of the table.
     *
     * @param alone the same for a single vCPU
     */
    private void print(List<FaultWay> here, int vcpus, double[][] nanos, double[][] alone) {
        out.printf("%-6d", vcpus);
        for (int way = 0; way < here.size(); way++) {
            out.printf(" %15.0f", NANOS_PER_SECOND / median(nanos[way]));
            String label = here.get(way).label();
            int c = indexOf(here, label + ReferenceWay.SUFFIX);
            if (c >= 0) {
                ratio("%s-to-c-%d".formatted(label, vcpus), nanos[c], nanos[way]);
            }
            if (way > 0 && here.get(way).isJava()) {
                ratio("%s-to-blocking-%d".formatted(label, vcpus), nanos[0], nanos[way]);
            }
            if (vcpus > 1) {
                ratio("%s-scaling-%d".formatted(label, vcpus), alone[way], nanos[way]);
            }
        }
        out.println();
    }

    private static int indexOf(List<FaultWay> ways, String label) {
        return ways.stream().map(FaultWay::label).toList().indexOf(label);
    }

    /** How many times as fast the second is, in the median over rounds. */
    private void ratio(String name, double[] first, double[] second) {
        double[] pairs = new double[rounds];
        for (int round = 0; round < rounds; round++) {
            pairs[round] = first[round] / second[round];
        }
        ratios.append("RATIO memory-faults.%s %.3f%n".formatted(name, median(pairs)));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
