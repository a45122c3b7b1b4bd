package io.jvmm.it.lab;

import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmmJar;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Runs tests of this very class path inside the lab, by JUnit's console launcher.
 *
 * <p>Without selectors these are all tests tagged {@code kvm} or {@code linux} in the test folders
 * of the class path, but for those tagged {@code host}, which are about the host as it is.
 */
public final class LabTests {

    /**
     * Tag of tests that stay on the host: they measure it, or start so many processes and machines
     * that emulation would make them last for hours and prove nothing more.
     */
    public static final String HOST = "host";

    /** Set to {@code true} in the lab's own test process. */
    public static final String INSIDE_PROPERTY = "jvmm.lab.inside";

    /** Class path for the lab when it is not that of this process. */
    public static final String CLASS_PATH_PROPERTY = "jvmm.lab.classpath";

    /** How long a whole run may take, in seconds. */
    public static final String DEADLINE_PROPERTY = "jvmm.lab.deadline";

    private static final int DEFAULT_DEADLINE_SECONDS = 15 * 60;
    private static final String LAUNCHER = "org.junit.platform.console.ConsoleLauncher";
    private static final String REPORTS = "reports";

    /** Beyond C1, compiling costs more under emulation than it gives in a few minutes. */
    private static final String QUICK_COMPILER = "-XX:TieredStopAtLevel=1";

    private LabTests() {}

    /**
     * Runs tests in a new lab.
     *
     * @param selectors names of test classes, simple or full, {@code Class#method}, or options of
     *     the console launcher; empty for the default
     * @param folder for the results
     * @return one result per test
     * @throws LabException if the lab does not start, or ends without results
     */
    static List<LabTestResult> run(
            Lab lab, List<String> selectors, LabConsole console, LabFolder folder) {
        List<Path> classPath = classPath();
        List<String> inLab = new ArrayList<>();
        List<String> scanned = new ArrayList<>();
        for (Path entry : classPath) {
            String name =
                    "%s/cp/%d-%s".formatted(LabTask.FOLDER, inLab.size(), entry.getFileName());
            inLab.add(name);
            if (entry.toString().endsWith("test-classes")) {
                scanned.add(name);
            }
        }
        List<String> command = new ArrayList<>();
        command.add(LabImage.JAVA_HOME + "/bin/java");
        command.addAll(
                List.of(
                        QUICK_COMPILER,
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djvmm.kvm=required",
                        "-D" + INSIDE_PROPERTY + "=true",
                        "-D" + LinuxImages.FOLDER_PROPERTY + "=" + LabGuests.FOLDER,
                        "-D" + VmmJar.PROPERTY + "=" + LabTask.FOLDER + "/vmm.jar",
                        "-D" + VmProcess.JAVA_OPTIONS_PROPERTY + "=" + QUICK_COMPILER,
                        "-cp",
                        String.join(":", inLab),
                        LAUNCHER,
                        "execute",
                        "--disable-banner",
                        "--disable-ansi-colors",
                        "--fail-if-no-tests",
                        "--details=testfeed",
                        "--reports-dir=" + LabTask.RESULTS + "/" + REPORTS));
        command.addAll(selection(selectors, String.join(":", scanned)));
        Duration deadline =
                Duration.ofSeconds(Long.getLong(DEADLINE_PROPERTY, DEFAULT_DEADLINE_SECONDS));
        LabTask task = new LabTask(command, Optional.of(deadline));
        for (int i = 0; i < inLab.size(); i++) {
            task.with(inLab.get(i), classPath.get(i));
        }
        task.with(LabTask.FOLDER + "/vmm.jar", VmmJar.locate());
        LabGuests.fetch().addTo(task);
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

    private static List<Path> classPath() {
        String joined =
                System.getProperty(CLASS_PATH_PROPERTY, System.getProperty("java.class.path"));
        return Pattern.compile(File.pathSeparator, Pattern.LITERAL)
                .splitAsStream(joined)
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).toAbsolutePath())
                .filter(Files::exists)
                .toList();
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
            options.addAll(List.of("--include-tag=kvm", "--include-tag=linux"));
            options.add("--exclude-tag=" + HOST);
        }
        return options;
    }
}
