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
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Starts the lab once and reports each test that ran in it as a test of this build.
 *
 * <p>A test that is skipped in the lab fails here unless {@link #MAY_SKIP} says why it may be.
 */
@RequiresLab
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class LabTest {

    /** Test classes, by full name, that may be skipped in the lab, with the reason. */
    private static final Map<String, String> MAY_SKIP = Map.of();

    @TestFactory
    Stream<DynamicNode> whatRunsInTheLab() throws IOException {
        Path target = Path.of(System.getProperty("jvmm.target", "target"));
        LabFolder folder = LabFolder.emptied(target.resolve("lab"));
        List<LabTestResult> results;
        try (OutputStream log = Files.newOutputStream(folder.resolve("console.log"))) {
            Lab lab = Lab.prepare(LabSettings.fromProperties());
            results = LabTests.run(lab, List.of(), new LabConsole.Copied(log), folder);
        }
        return results.stream()
                .collect(
                        Collectors.groupingBy(
                                LabTestResult::className,
                                LinkedHashMap::new,
                                Collectors.mapping(LabTest::reported, Collectors.toList())))
                .entrySet()
                .stream()
                .map(each -> dynamicContainer(each.getKey(), each.getValue()));
    }

    private static DynamicNode reported(LabTestResult result) {
        return dynamicTest(
                result.name(),
                () -> {
                    boolean mayBeSkipped = MAY_SKIP.containsKey(result.className());
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

    /** A failure that happened in the lab; the stack in its message is the one that matters. */
    private static final class InnerFailure extends AssertionError {
        private static final long serialVersionUID = 1;

        InnerFailure(String details) {
            super("in the lab: " + details);
            setStackTrace(new StackTraceElement[0]);
        }
    }
}
