package io.jvmm.it.lab;

import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Starts one lab per kernel and reports each test that ran in it as a test of this build.
 *
 * <p>A test that is skipped in the lab fails here unless {@link #MAY_SKIP} says why it may be. As
 * many labs run at the same time as the host has CPUs: each keeps one busy and no more.
 */
@RequiresLab
@Timeout(value = 70, unit = TimeUnit.MINUTES)
class LabTest {

    /** System property with the kernels of the labs, parted by commas. */
    private static final String KERNELS_PROPERTY = "jvmm.lab.kernels";

    /** The newest alone; the longer list of {@code .ci/run} takes as long again. */
    private static final String KERNELS = "7.2";

    /**
     * What the annotating kernel is for; all else it has in common with Debian's of its version.
     */
    private static final List<String> ABOUT_MISSING_PAGES =
            List.of(
                    "--include-tag=kvm",
                    "--include-tag=userfaultfd",
                    "--exclude-tag=" + LabTests.HOST,
                    "--include-classname=^io\\.jvmm\\."
                            + "(it\\.(lab|paging)\\..*|(host|machine)\\.\\w*FaultModesTest)$");

    /** Test classes, by full name, that may be skipped in the lab, with the reason. */
    private static final Map<String, String> MAY_SKIP =
            Map.of(
                    "io.jvmm.it.paging.StuckGuestTest",
                    "some of it needs faults that no signal ends, of which nested paging has none");

    /** And those that may be skipped unless the lab's kernel annotates missing pages. */
    private static final Set<String> MAY_SKIP_UNANNOTATED =
            Set.of("io.jvmm.it.paging.MissingPageExitTest");

    @TestFactory
    Stream<DynamicNode> whatRunsInTheLab() {
        LabSettings settings = LabSettings.fromProperties();
        Map<LabKernel, FutureTask<List<LabTestResult>>> runs = new LinkedHashMap<>();
        for (LabKernel kernel : kernels()) {
            Lab lab = Lab.prepare(settings.withKernel(kernel));
            runs.put(kernel, new FutureTask<>(() -> run(lab, kernel)));
        }
        try (ExecutorService labs =
                Executors.newFixedThreadPool(
                        Runtime.getRuntime().availableProcessors(),
                        Thread.ofPlatform().name("lab-", 1).factory())) {
            runs.values().forEach(labs::execute);
        }
        return runs.entrySet().stream()
                .map(each ->
                        dynamicContainer(
                                "in the lab with Linux " + each.getKey().label(),
                                reported(each.getKey(), each.getValue())));
    }

    private static List<LabKernel> kernels() {
        return Pattern.compile(",")
                .splitAsStream(System.getProperty(KERNELS_PROPERTY, KERNELS))
                .map(LabKernel::labelled)
                .toList();
    }

    private static List<LabTestResult> run(Lab lab, LabKernel kernel) throws IOException {
        Path target = Path.of(System.getProperty("jvmm.target", "target"));
        LabFolder folder = LabFolder.emptied(target.resolve("lab-" + kernel.label()));
        try (OutputStream log = Files.newOutputStream(folder.resolve("console.log"))) {
            List<String> selectors =
                    kernel == LabKernel.ANNOTATING ? ABOUT_MISSING_PAGES : List.of();
            return LabTests.run(lab, selectors, new LabConsole.Copied(log), folder);
        }
    }

    /** Waits for the run; what goes wrong with a lab is a failed test that does not hide others. */
    private static Stream<DynamicNode> reported(
            LabKernel kernel, FutureTask<List<LabTestResult>> run) {
        try {
            return run.get().stream()
                    .collect(
                            Collectors.groupingBy(
                                    LabTestResult::className,
                                    LinkedHashMap::new,
                                    Collectors.mapping(
                                            result -> reported(kernel, result),
                                            Collectors.toList())))
                    .entrySet()
                    .stream()
                    .map(each -> dynamicContainer(each.getKey(), each.getValue()));
        } catch (ExecutionException e) {
            return Stream.of(
                    dynamicTest(
                            "the lab itself",
                            () -> {
                                throw e.getCause();
                            }));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while the labs ran", e);
        }
    }

    private static DynamicNode reported(LabKernel kernel, LabTestResult result) {
        return dynamicTest(
                result.name(),
                () -> {
                    boolean mayBeSkipped = maySkip(kernel, result.className());
                    switch (result.status()) {
                        case PASSED -> {}
                        case FAILED -> throw new InnerFailure(result.details());
                        case SKIPPED -> {
                            assumeFalse(mayBeSkipped, result.details());
                            throw new InnerFailure("skipped in the lab: " + result.details());
                        }
                    }
                });
    }

    private static boolean maySkip(LabKernel kernel, String className) {
        return MAY_SKIP.containsKey(className)
                || (kernel != LabKernel.ANNOTATING && MAY_SKIP_UNANNOTATED.contains(className));
    }

    /** A failure that happened in the lab; the stack in its message is the one that matters. */
    private static final class InnerFailure extends AssertionError {
        private static final long serialVersionUID = 1;

        InnerFailure(String details) {
            super("in the lab: " + details);
            setStackTrace(new StackTraceElement[0]);
        }
    }
}
