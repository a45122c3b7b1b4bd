// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.guest.Payload;
import io.jvmm.vcpu.KickStrategy;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Scanner;

/**
 * Time of a kick: from the decision to get a vCPU out of the guest until its thread is out. A C
 * program does the same with the same guest on the same CPUs (vCPU on CPU 0, kicker on CPU 1); both
 * warm up, then take turns. Then what an entry costs under each strategy.
 */
final class KicksBench {

    private record Scenario(String name, Payload payload, boolean missing) {}

    private static final List<Scenario> SCENARIOS =
            List.of(
                    new Scenario("spinning", Payload.RING3_SPIN, false),
                    new Scenario("halted", Payload.RING0_HLT, false),
                    new Scenario("missing-page", Payload.RING3_SPIN, true));

    private static final int BLOCKS = 10;
    private static final int KICKS = 1_000;
    private static final int ENTRIES = 5_000;
    private static final int DIGITS = 3;
    private static final double NANOS_PER_MICRO = 1_000;

    private final PrintStream out;
    private final StringBuilder ratios = new StringBuilder();
    private final int blocks;
    private final int kicks;

    private KicksBench(PrintStream out, int blocks, int kicks) {
        this.out = out;
        this.blocks = blocks;
        this.kicks = kicks;
    }

    /** {@code [BLOCKS [KICKS]]}: how many blocks of how many kicks for each line. */
    static void run(String... args) throws IOException, InterruptedException {
        run(System.out, args);
    }

    static void run(PrintStream out, String... args) throws IOException, InterruptedException {
        new KicksBench(
                        out,
                        args.length > 0 ? Integer.parseInt(args[0]) : BLOCKS,
                        args.length > 1 ? Integer.parseInt(args[1]) : KICKS)
                .run();
    }

    private void run() throws IOException, InterruptedException {
        out.printf(
                "kicks, %d blocks of %d each, us from the kick to the return of KVM_RUN%n%n",
                blocks, kicks);
        out.printf(
                "%-14s %-20s %8s %8s %8s %10s %8s%n",
                "guest", "by", "p50", "p99", "p99.9", "max", "p50/C");
        for (Scenario scenario : SCENARIOS) {
            measure(scenario);
        }
        measureEntries();
        out.println();
        out.print(ratios);
    }

    private void measure(Scenario scenario) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("jvmm-bench-");
        Path image = folder.resolve(scenario.payload.fileName());
        Files.write(image, scenario.payload.bytes());
        Histogram flag = histogram();
        Histogram mask = histogram();
        Histogram reference = histogram();
        try (KicksGuest java = new KicksGuest(scenario.payload, scenario.missing);
                CReference c =
                        CReference.start("kicks", image.toString(), scenario.missing ? "1" : "0")) {
            // The first turn of each warms up.
            for (int i = 0; i <= blocks; i++) {
                if (i <= 1) {
                    flag.reset();
                    mask.reset();
                    reference.reset();
                }
                ours(java, KickStrategy.IMMEDIATE_EXIT, flag);
                theirs(c, reference);
                ours(java, KickStrategy.SIGNAL_MASK, mask);
            }
        } finally {
            Files.delete(image);
            Files.delete(folder);
        }
        print(scenario, "C, immediate_exit", reference, reference);
        print(scenario, "Java, immediate_exit", flag, reference);
        print(scenario, "Java, signal mask", mask, reference);
        ratios.append("RATIO kicks.%s %.3f%n".formatted(scenario.name, ratio(flag, reference)));
    }

    private static Histogram histogram() {
        return new Histogram(DIGITS);
    }

    private void ours(KicksGuest guest, KickStrategy strategy, Histogram into)
            throws InterruptedException {
        long[] nanos = new long[kicks];
        guest.kick(strategy, nanos);
        for (long value : nanos) {
            into.recordValue(value);
        }
    }

    private void theirs(CReference c, Histogram into) throws IOException {
        try (Scanner values = new Scanner(c.ask("kick " + kicks))) {
            while (values.hasNextLong()) {
                into.recordValue(values.nextLong());
            }
        }
    }

    private static double ratio(Histogram ours, Histogram reference) {
        return (double) ours.getValueAtPercentile(50) / reference.getValueAtPercentile(50);
    }

    private void print(Scenario scenario, String by, Histogram times, Histogram c) {
        out.printf(
                "%-14s %-20s %8.1f %8.1f %8.1f %10.1f %8.3f%n",
                scenario.name,
                by,
                times.getValueAtPercentile(50) / NANOS_PER_MICRO,
                times.getValueAtPercentile(99) / NANOS_PER_MICRO,
                times.getValueAtPercentile(99.9) / NANOS_PER_MICRO,
                times.getMaxValue() / NANOS_PER_MICRO,
                ratio(times, c));
    }

    private enum Entry {
        EXIT("port exit and entry"),
        TURNED_BACK("entry turned back");

        final String title;

        Entry(String title) {
            this.title = title;
        }

        long run(EntriesGuest guest, int count) {
            return switch (this) {
                case EXIT -> guest.exits(count);
                case TURNED_BACK -> guest.turnedBack(count);
            };
        }
    }

    private void measureEntries() {
        int entries = Math.min(ENTRIES, kicks * ENTRIES / KICKS);
        out.printf(
                "%nentries, medians of %d blocks of %d, ns; ratio of pairs%n%n", blocks, entries);
        out.printf("%-20s %15s %12s %8s%n", "entry", "immediate_exit", "signal mask", "ratio");
        try (EntriesGuest guest = new EntriesGuest()) {
            for (Entry entry : Entry.values()) {
                measure(entry, guest, entries);
            }
        }
    }

    private void measure(Entry entry, EntriesGuest guest, int entries) {
        double[] flag = new double[blocks];
        double[] mask = new double[blocks];
        double[] pairs = new double[blocks];
        // The first pair warms up.
        for (int i = -1; i < blocks; i++) {
            int at = Math.max(i, 0);
            guest.use(KickStrategy.IMMEDIATE_EXIT);
            flag[at] = (double) entry.run(guest, entries) / entries;
            guest.use(KickStrategy.SIGNAL_MASK);
            mask[at] = (double) entry.run(guest, entries) / entries;
            pairs[at] = mask[at] / flag[at];
        }
        out.printf(
                "%-20s %15.0f %12.0f %8.3f%n",
                entry.title, median(flag), median(mask), median(pairs));
        ratios.append(
                "RATIO entries.%s %.3f%n".formatted(entry.title.replace(' ', '-'), median(pairs)));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
