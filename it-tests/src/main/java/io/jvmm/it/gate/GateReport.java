// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The closing table of {@code ./vmm test}: what ran where, made from what the test processes on the
 * host and in the labs have recorded. What was required and did not run makes the run fail, as a
 * test that failed does.
 *
 * <p>Needs nothing but the JDK, so that the launcher can start it on this module's classes alone.
 */
public final class GateReport {

    private static final List<String> MODULES =
            List.of(
                    "kvm-ffi",
                    "uffd",
                    "guest-images",
                    "vmm-core",
                    "vmm-control",
                    "vmm-junit",
                    "vmm-cli",
                    "it-tests");

    /** The class that reports what ran in the labs, which is counted as of these. */
    private static final String REPORTS_LABS = "io.jvmm.it.lab.LabTest";

    private static final String KVM = "kvm";
    private static final String LINUX = "linux";
    private static final int LONGEST = 20;
    private static final String ROW = "%-42s %7s %7s %8s %9s%n";

    private final Path root;
    private final GateOptions options;
    private final Path cache;
    private final List<String> faults = new ArrayList<>();
    private int failed;

    GateReport(Path root, Path cache, GateOptions options) {
        this.root = root;
        this.cache = cache;
        this.options = options;
    }

    /** {@code ROOT CACHE [OPTION...]}; the exit code is 1 if something failed or is missing. */
    public static void main(String[] args) {
        List<String> options = List.of(args).subList(2, args.length);
        GateReport report =
                new GateReport(Path.of(args[0]), Path.of(args[1]), GateOptions.parse(options));
        System.exit(report.print(System.out) ? 0 : 1);
    }

    /** Numbers of tests, and their time. */
    private static final class Sum {
        private int ran;
        private int failed;
        private int skipped;
        private long millis;

        void add(TestLog.Entry test) {
            switch (test.status()) {
                case PASSED -> ran++;
                case FAILED -> {
                    ran++;
                    failed++;
                }
                case SKIPPED -> skipped++;
            }
            millis += test.millis();
        }

        void print(PrintStream out, String label) {
            out.printf(ROW, label, ran, failed, skipped, time(millis));
        }
    }

    /**
     * Prints the table and keeps the times.
     *
     * @return whether everything that was required has run, and nothing failed
     */
    boolean print(PrintStream out) {
        Map<TestTimes.Key, Long> times = new TreeMap<>();
        out.printf("%n" + ROW, "What ran where", "ran", "failed", "skipped", "time");
        int[] onKvm = host(out, times);
        labs(out, times);
        TestTimes now = new TestTimes(times);
        if (options.times()) {
            printTimes(out, now, TestTimes.in(cache));
        }
        now.mergeInto(cache);
        out.printf("%nTests on KVM: %d ran, %d skipped%n", onKvm[0], onKvm[1]);
        if (options.kvmIsInLabsAlone()) {
            out.println(
                    "NO /dev/kvm ON THIS HOST: tests on KVM ran in the labs alone, and nothing ran"
                            + " on a host that interprets ring 0");
            if (options.labIsOff()) {
                faults.add("tests on KVM: this host has none, and the labs were left out");
            }
        }
        if (options.labIsOff()) {
            out.println("No lab: no stock Linux was booted, and nothing ran on hardware-style KVM");
        }
        if (options.partial()) {
            out.println("Only a part of the tests was asked for");
        }
        faults.forEach(fault -> out.println("MISSING: " + fault));
        if (failed > 0) {
            out.printf("FAILED: %d tests%n", failed);
        }
        return faults.isEmpty() && failed == 0;
    }

    /** The number of tests that ran on the host's KVM, and of those that were skipped. */
    private int[] host(PrintStream out, Map<TestTimes.Key, Long> times) {
        Map<HostKind, Sum> sums = new EnumMap<>(HostKind.class);
        int[] onKvm = new int[2];
        for (String module : MODULES) {
            Path file = root.resolve(module).resolve("target").resolve(TestLog.FILE);
            if (!Files.exists(file)) {
                if (!options.partial() && Files.isDirectory(root.resolve(module + "/src/test"))) {
                    faults.add("no test of " + module + " has run");
                }
                continue;
            }
            TestLog log = TestLog.read(file);
            log.classMillis()
                    .forEach((name, millis) -> times.put(new TestTimes.Key(module, name), millis));
            for (TestLog.Entry test : log.tests()) {
                if (!test.className().equals(REPORTS_LABS)) {
                    sums.computeIfAbsent(HostKind.of(test.tags()), _ -> new Sum()).add(test);
                    if (test.tags().contains(KVM)) {
                        onKvm[test.status() == TestLog.Status.SKIPPED ? 1 : 0]++;
                    }
                }
            }
            if (!log.complete()) {
                faults.add("the tests of " + module + " broke off " + after(log));
            }
        }
        for (HostKind kind : HostKind.values()) {
            Sum sum = sums.getOrDefault(kind, new Sum());
            sum.print(out, kind.label());
            failed += sum.failed;
            if (sum.ran == 0 && options.requiredKinds().contains(kind)) {
                faults.add("not one test ran of: " + kind.label());
            }
        }
        return onKvm;
    }

    private void labs(PrintStream out, Map<TestTimes.Key, Long> times) {
        for (String kernel : options.labKernels()) {
            String label = "lab, kernel " + kernel;
            Path file = root.resolve("it-tests/target/lab-" + kernel + "/results/" + TestLog.FILE);
            if (!Files.exists(file)) {
                out.printf(ROW, label, "-", "-", "-", "-");
                if (!options.partial()) {
                    faults.add(label + " brought no results");
                }
                continue;
            }
            TestLog log = TestLog.read(file);
            Sum all = new Sum();
            Sum linux = new Sum();
            for (TestLog.Entry test : log.tests()) {
                all.add(test);
                if (test.tags().contains(LINUX)) {
                    linux.add(test);
                }
            }
            all.print(out, label);
            failed += all.failed;
            if (linux.ran + linux.skipped > 0) {
                linux.print(out, "  of these with a Linux guest");
            }
            log.classMillis()
                    .forEach((name, millis) ->
                            times.put(new TestTimes.Key(TestTimes.lab(kernel), name), millis));
            if (!log.complete()) {
                faults.add("the tests in " + label + " broke off " + after(log));
            }
            if (all.ran == 0) {
                faults.add("not one test ran in " + label);
            }
        }
    }

    private static String after(TestLog log) {
        return log.tests().isEmpty()
                ? "before the first"
                : "after %s.%s"
                        .formatted(log.tests().getLast().className(), log.tests().getLast().name());
    }

    /** The longest classes, with what they took before, and the sums of the places. */
    private static void printTimes(PrintStream out, TestTimes now, TestTimes before) {
        out.printf("%n%9s %9s  %s%n", "time", "before", "where the time went");
        now.millis().entrySet().stream()
                .sorted(Map.Entry.<TestTimes.Key, Long>comparingByValue().reversed())
                .limit(LONGEST)
                .forEach(each -> {
                    Long last = before.millis().get(each.getKey());
                    out.printf(
                            "%9s %9s  %s %s%n",
                            time(each.getValue()),
                            last == null ? "-" : time(last),
                            each.getKey().place(),
                            each.getKey().className());
                });
        Stream<String> places = now.millis().keySet().stream().map(TestTimes.Key::place).distinct();
        places.forEach(place ->
                out.printf(
                        "%9s %9s  %s, all classes%n",
                        now.of(place).map(sum -> time(sum.toMillis())).orElse("-"),
                        before.of(place).map(sum -> time(sum.toMillis())).orElse("-"),
                        place));
    }

    private static String time(long millis) {
        return "%.1f s".formatted(millis / 1000.0);
    }
}
