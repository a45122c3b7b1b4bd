// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmmJar;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Runs tests of all modules of the build inside the lab, by JUnit's console launcher.
 *
 * <p>Without selectors these are all tests tagged {@code kvm}, {@code userfaultfd} or {@code
 * linux}, but for those tagged {@code host}, which are about the host as it is, and those of two
 * rooms that are sized for it.
 */
public final class LabTests {

    /**
     * Tag of tests that stay on the host: they measure it, or start so many processes and machines
     * that emulation would make them last for hours and prove nothing more.
     */
    public static final String HOST = "host";

    /** Set to {@code true} in the lab's own test process. */
    public static final String INSIDE_PROPERTY = "jvmm.lab.inside";

    /** How long a whole run may take, in seconds. */
    public static final String DEADLINE_PROPERTY = "jvmm.lab.deadline";

    /**
     * Rooms whose tests compare with the host's own processor, or are sized for it; they run in the
     * lab when a selector names them.
     */
    private static final List<String> NOT_FOR_THE_LAB =
            List.of("io.jvmm.emulation", "io.jvmm.paging");

    private static final String LAUNCHER = "org.junit.platform.console.ConsoleLauncher";

    /** Folder of JUnit's XML reports among the results. */
    static final String REPORTS = "reports";

    /** {@code on} for all that takes long; in the lab as on the host. */
    private static final String FULL_PROPERTY = "jvmm.full";

    /** For {@code io.jvmm.ffi.testing.Repetitions}, which is among the test classes. */
    private static final String REPETITIONS = "jvmm.repetitions=emulated";

    /** For {@code io.jvmm.ffi.testing.TestLedger}: what ran is recorded among the results. */
    private static final String LEDGER = "jvmm.target=" + LabTask.RESULTS;

    /** Beyond C1, compiling costs more under emulation than it gives in a few minutes. */
    private static final String QUICK_COMPILER = "-XX:TieredStopAtLevel=1";

    private LabTests() {}

    /**
     * Runs tests in a new lab.
     *
     * @param selectors names of test classes, simple or full, {@code Class#method}, or options of
     *     the console launcher; empty for the default
     * @param deadline how long the whole run may take
     * @param folder for the results
     * @return one result per test
     * @throws LabException if the lab does not start, or ends without results
     */
    static List<LabTestResult> run(
            Lab lab,
            List<String> selectors,
            Duration deadline,
            LabConsole console,
            LabFolder folder) {
        LabClassPath classPath = LabClassPath.ofBuild();
        List<String> command = LabJava.command(QUICK_COMPILER);
        command.addAll(
                List.of(
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djvmm.kvm=required",
                        "-Djvmm.tools=required",
                        "-Djvmm.hardware=required",
                        "-D%s=%s"
                                .formatted(FULL_PROPERTY, System.getProperty(FULL_PROPERTY, "off")),
                        "-Djvmm.paging.guarded=on",
                        "-D" + REPETITIONS,
                        "-D" + LEDGER,
                        "-D" + INSIDE_PROPERTY + "=true",
                        "-D" + LabSettings.KERNEL_PROPERTY + "=" + lab.settings().kernel().label(),
                        "-D" + LinuxImages.FOLDER_PROPERTY + "=" + LabGuests.FOLDER,
                        "-D" + VmmJar.PROPERTY + "=" + LabTask.FOLDER + "/vmm.jar",
                        "-D" + VmProcess.JAVA_OPTIONS_PROPERTY + "=" + QUICK_COMPILER,
                        "-cp",
                        classPath.joined(),
                        LAUNCHER,
                        "execute",
                        "--disable-banner",
                        "--disable-ansi-colors",
                        "--fail-if-no-tests",
                        "--details=testfeed",
                        "--reports-dir=" + LabTask.RESULTS + "/" + REPORTS));
        command.addAll(selection(selectors, classPath.testFolders()));
        LabTask task = new LabTask(command, Optional.of(deadline));
        classPath.addTo(task);
        task.with(LabTask.FOLDER + "/vmm.jar", VmmJar.locate());
        LabGuests.fetch().addTo(task);
        LabTools.fetch().addTo(task);
        LabOutcome outcome = lab.run(task, console, folder);
        Path reports = outcome.results().resolve(REPORTS);
        List<LabTestResult> results =
                Files.isDirectory(reports) ? LabReport.read(reports) : List.of();
        boolean explained =
                results.stream().anyMatch(each -> each.status() == LabTestResult.Status.FAILED);
        if (results.isEmpty() || (outcome.exitCode() != 0 && !explained)) {
            throw new LabException(
                    "the test process in the lab ended with exit code %d:%n%s"
                            .formatted(outcome.exitCode(), console.tail()));
        }
        return results;
    }

    /** The console launcher's options for the selected tests. */
    private static List<String> selection(List<String> selectors, String scanned) {
        List<String> options = new ArrayList<>();
        boolean scan = true;
        for (String selector : selectors) {
            if (selector.startsWith("-")) {
                options.add(selector);
            } else if (selector.contains("#")) {
                options.add("--select-method=" + selector);
                scan = false;
            } else if (selector.contains(".")) {
                options.add("--select-class=" + selector);
                scan = false;
            } else {
                options.add("--include-classname=.*\\b" + selector);
            }
        }
        if (scan) {
            options.add("--scan-classpath=" + scanned);
        }
        if (selectors.isEmpty()) {
            options.addAll(
                    List.of(
                            "--include-tag=kvm",
                            "--include-tag=userfaultfd",
                            "--include-tag=linux"));
            options.add("--exclude-tag=" + HOST);
            NOT_FOR_THE_LAB.forEach(room -> options.add("--exclude-package=" + room));
        }
        return options;
    }
}
