// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Waits for the labs, one per kernel, and reports each test that ran in them as a test of this
 * build: by class, method and kernel. {@code ./vmm test} has started the labs long before; {@code
 * mvn verify} alone has not, and then they start here.
 *
 * <p>A test that is skipped in the lab fails here unless {@link #MAY_SKIP} says why it may be. The
 * last of its module, since it is the only one that waits for the labs.
 */
@Order(Integer.MAX_VALUE)
@RequiresLab
@Timeout(value = 70, unit = TimeUnit.MINUTES)
class LabTest {

    /** Test classes, by full name, that may be skipped in the lab, with the reason. */
    private static final Map<String, String> MAY_SKIP =
            Map.of(
                    "io.jvmm.it.paging.StuckGuestTest",
                    "some of it needs faults that no signal ends, of which nested paging has none");

    /** And those that may be skipped unless the lab's kernel annotates missing pages. */
    private static final Set<String> MAY_SKIP_UNANNOTATED =
            Set.of("io.jvmm.it.paging.MissingPageExitTest");

    @TestFactory
    Stream<DynamicNode> whatRunsInTheLab() throws InterruptedException {
        LabRuns runs = new LabRuns(Path.of(System.getProperty("jvmm.target", "target")));
        List<LabKernel> kernels = LabRuns.kernels();
        boolean started = Boolean.getBoolean(LabRuns.STARTED_PROPERTY);
        if (!started) {
            runs.clear();
        }
        runs.hostIsDone();
        if (!started) {
            runs.run(kernels);
        }
        return kernels.stream()
                .map(kernel ->
                        dynamicContainer(
                                "in the lab with Linux " + kernel.label(), reported(runs, kernel)));
    }

    /** Waits for the run; what goes wrong with a lab is a failed test that does not hide others. */
    private static Stream<DynamicNode> reported(LabRuns runs, LabKernel kernel) {
        try {
            return runs.await(kernel).stream().map(result -> reported(kernel, result));
        } catch (LabException e) {
            return Stream.of(
                    dynamicTest(
                            "the lab itself with Linux " + kernel.label(),
                            () -> {
                                throw e;
                            }));
        }
    }

    private static DynamicNode reported(LabKernel kernel, LabTestResult result) {
        String name = "%s [Linux %s]".formatted(result.title(), kernel.label());
        return dynamicTest(
                name,
                () -> {
                    boolean mayBeSkipped = maySkip(kernel, result.className());
                    switch (result.status()) {
                        case PASSED -> {}
                        case FAILED -> throw new InnerFailure(name, result.details());
                        case SKIPPED -> {
                            assumeFalse(mayBeSkipped, result.details());
                            throw new InnerFailure(name, "skipped: " + result.details());
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

        InnerFailure(String name, String details) {
            super("in the lab, %s: %s".formatted(name, details));
            setStackTrace(new StackTraceElement[0]);
        }
    }
}
