// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

class TestLedgerTest {

    @TempDir Path folder;

    /** Run by the test below only. */
    @Tag("sample")
    @EnabledIfSystemProperty(named = "jvmm.ledger.sample", matches = "on")
    static class Sample {
        @Test
        void passes() {}

        @Test
        void fails() {
            throw new AssertionError("on purpose");
        }

        @Test
        void isAbandoned() {
            assumeTrue(false);
        }

        @ParameterizedTest(name = "with {0}")
        @ValueSource(ints = {1, 2})
        void takes(int number) {
            assertThat(number).isPositive();
        }

        @TestFactory
        Stream<DynamicTest> makes() {
            return Stream.of(dynamicTest("one more", () -> {}));
        }
    }

    /** Run by the test below only. */
    @Disabled("its tests are to be counted as skipped")
    static class SkippedSample {
        @Test
        void one() {}

        @ParameterizedTest
        @ValueSource(ints = 1)
        void another(int number) {
            assertThat(number).isPositive();
        }
    }

    @Test
    void everyTestIsRecordedWithItsEndAndItsTags() throws IOException {
        System.setProperty("jvmm.ledger.sample", "on");
        try {
            run(Sample.class);
        } finally {
            System.clearProperty("jvmm.ledger.sample");
        }

        String name = Sample.class.getName();
        List<String> lines = recorded();
        assertThat(lines.subList(0, lines.size() - 2))
                .containsExactlyInAnyOrder(
                        "test\t" + name + "\tpasses\tPASSED\tTIME\tsample",
                        "test\t" + name + "\tfails\tFAILED\tTIME\tsample",
                        "test\t" + name + "\tisAbandoned\tSKIPPED\tTIME\tsample",
                        "test\t" + name + "\tmakes one more\tPASSED\tTIME\tsample",
                        "test\t" + name + "\ttakes with 1\tPASSED\tTIME\tsample",
                        "test\t" + name + "\ttakes with 2\tPASSED\tTIME\tsample");
        assertThat(lines.subList(lines.size() - 2, lines.size()))
                .containsExactly("class\t" + name + "\tTIME", "end");
    }

    @Test
    void theTestsOfAClassThatIsSkippedAreSkipped() throws IOException {
        run(SkippedSample.class);

        String name = SkippedSample.class.getName();
        assertThat(recorded())
                .containsExactlyInAnyOrder(
                        "test\t" + name + "\tone\tSKIPPED\tTIME\t",
                        "test\t" + name + "\tanother\tSKIPPED\tTIME\t",
                        "end");
    }

    private void run(Class<?> tests) {
        LauncherFactory.create(
                        LauncherConfig.builder()
                                .enableTestExecutionListenerAutoRegistration(false)
                                .build())
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(tests))
                                // Inside a test of a run that may be parallel itself.
                                .configurationParameter(
                                        "junit.jupiter.execution.parallel.enabled", "false")
                                .build(),
                        new TestLedger(Optional.of(folder)));
    }

    private List<String> recorded() throws IOException {
        return Files.readAllLines(folder.resolve(TestLedger.FILE)).stream()
                .map(line -> line.replaceAll("\t[0-9]+(\t|$)", "\tTIME$1"))
                .toList();
    }
}
