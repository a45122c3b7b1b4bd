// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.ImageException;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The lab from the command line: {@code prepare}, {@code shell}, {@code vmm ARGS…}, {@code bench
 * NAME}, {@code test [selectors]}, or {@code gate}, which runs the labs of {@code ./vmm test}.
 *
 * <p>The exit code is that of the command that ran in the lab; 1 if a test failed; {@value
 * #LAB_FAILED} if the lab itself did.
 */
public final class LabMain {

    /** System property with the build's folder; results of {@code test} go below it. */
    static final String TARGET_PROPERTY = "jvmm.target";

    /** Exit code when the lab cannot be built, does not start, or breaks down. */
    static final int LAB_FAILED = 125;

    private static final int USAGE = 2;

    private static final int DEFAULT_DEADLINE_SECONDS = 30 * 60;

    private LabMain() {}

    /** Runs one command and ends the process. */
    public static void main(String[] args) {
        int exitCode;
        try {
            exitCode = run(List.of(args));
        } catch (LabException | ImageException | IllegalArgumentException e) {
            System.err.println("lab: " + e.getMessage());
            exitCode = LAB_FAILED;
        }
        System.exit(exitCode);
    }

    private static int run(List<String> args) {
        List<String> rest = args.isEmpty() ? args : args.subList(1, args.size());
        return switch (args.isEmpty() ? "" : args.getFirst()) {
            case "prepare" -> {
                prepare();
                LabGuests.fetch();
                yield 0;
            }
            case "shell" -> onTerminal(LabVmm.shell(LabGuests.fetch()));
            case "vmm" -> onTerminal(LabVmm.run(rest));
            case "bench" -> onTerminal(LabBench.run(rest));
            case "test" -> test(rest);
            case "gate" -> gate();
            default -> {
                System.err.println(
                        "usage: lab prepare | shell | vmm ARGS... | bench NAME | test"
                                + " [SELECTOR...]");
                yield USAGE;
            }
        };
    }

    private static Lab prepare() {
        return Lab.prepare(LabSettings.fromProperties());
    }

    /** Runs the labs that {@code LabTest} reports. */
    private static int gate() {
        try {
            LabRuns runs = new LabRuns(Path.of(System.getProperty(TARGET_PROPERTY, "target")));
            runs.clear();
            runs.run(LabRuns.kernels());
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return LAB_FAILED;
        }
    }

    private static int onTerminal(LabTask task) {
        try (LabFolder folder = LabFolder.temporary()) {
            return prepare().run(task, new LabConsole.Terminal(), folder).exitCode();
        }
    }

    private static int test(List<String> selectors) {
        LabFolder folder =
                Optional.ofNullable(System.getProperty(TARGET_PROPERTY))
                        .map(told -> LabFolder.emptied(Path.of(told, "lab")))
                        .orElseGet(LabFolder::temporary);
        LabConsole console = new LabConsole.Copied(System.out);
        Duration deadline =
                Duration.ofSeconds(
                        Long.getLong(LabTests.DEADLINE_PROPERTY, DEFAULT_DEADLINE_SECONDS));
        List<LabTestResult> results = LabTests.run(prepare(), selectors, deadline, console, folder);
        long passed = count(results, LabTestResult.Status.PASSED);
        long failed = count(results, LabTestResult.Status.FAILED);
        for (LabTestResult result : results) {
            if (result.status() != LabTestResult.Status.PASSED) {
                System.out.printf("%s %s%n%s%n", result.status(), result.title(), result.details());
            }
        }
        System.out.printf(
                "lab: %d tests, %d passed, %d failed, %d skipped; reports in %s%n",
                results.size(), passed, failed, results.size() - passed - failed, folder.path());
        return failed == 0 ? 0 : 1;
    }

    private static long count(List<LabTestResult> results, LabTestResult.Status status) {
        return results.stream().filter(result -> result.status() == status).count();
    }
}
