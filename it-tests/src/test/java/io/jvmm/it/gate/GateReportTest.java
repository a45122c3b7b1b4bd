// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class GateReportTest {

    private static final String ON_KVM = "test\ta.KvmTest\truns\tPASSED\t1500\tkvm\n";
    private static final String ON_UFFD = "test\ta.UffdTest\tpages\tPASSED\t10\tkvm,userfaultfd\n";
    private static final String HERE = "test\ta.HereTest\tboots\tPASSED\t9000\tkvm,linux-here\n";
    private static final String PLAIN = "test\ta.PlainTest\tadds 1 and 1\tFAILED\t3\t\n";
    private static final String STARTER = "test\tio.jvmm.it.lab.LabTest\tjoins\tPASSED\t99\tlab\n";
    private static final String TIMES = "class\ta.KvmTest\t1501\nclass\ta.HereTest\t9002\n";

    @TempDir Path root;

    private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

    @Test
    void testsAreCountedWhereTheyRan() throws IOException {
        record("kvm-ffi/target", ON_KVM + ON_UFFD + PLAIN + TIMES + "end\n");
        record("it-tests/target", HERE + STARTER + "end\n");
        record(
                "it-tests/target/lab-7.2/results",
                ON_KVM + "test\ta.BootTest\tboots\tPASSED\t2000\tlinux\nend\n");

        assertThat(report("-Djvmm.kvm=required")).isFalse();
        assertThat(lines())
                .containsSubsequence(
                        "host, containers 0 0 0 0.0 s",
                        "host, Linux on this host's KVM 1 0 0 9.0 s",
                        "host, userfaultfd 1 0 0 0.0 s",
                        "host, /dev/kvm 1 0 0 1.5 s",
                        "host, no device 1 1 0 0.0 s",
                        "lab, kernel 7.2 2 0 0 3.5 s",
                        "of these with a Linux guest 1 0 0 2.0 s",
                        "Tests on KVM: 3 ran, 0 skipped",
                        "FAILED: 1 tests")
                .noneMatch(line -> line.startsWith("MISSING"));
    }

    @Test
    void whatIsRequiredAndDidNotRunIsMissing() throws IOException {
        record("kvm-ffi/target", ON_KVM.replace("PASSED", "SKIPPED") + "end\n");

        assertThat(
                        report(
                                "-Djvmm.kvm=required",
                                "-Djvmm.docker=required",
                                "-Djvmm.lab.kernels=7.2,annotating"))
                .isFalse();
        assertThat(lines())
                .contains(
                        "MISSING: not one test ran of: host, containers",
                        "MISSING: not one test ran of: host, Linux on this host's KVM",
                        "MISSING: not one test ran of: host, userfaultfd",
                        "MISSING: not one test ran of: host, /dev/kvm",
                        "MISSING: lab, kernel 7.2 brought no results",
                        "MISSING: lab, kernel annotating brought no results",
                        "Tests on KVM: 0 ran, 1 skipped");
    }

    @Test
    void aHostWithoutKvmIsSaidToShowLessAndNeedsItsLabs() throws IOException {
        record("kvm-ffi/target", ON_KVM.replace("PASSED", "SKIPPED") + ON_UFFD + "end\n");
        record("it-tests/target/lab-7.2/results", ON_KVM + "end\n");

        assertThat(report("-Djvmm.kvm=labs")).isTrue();
        assertThat(lines()).anyMatch(line -> line.startsWith("NO /dev/kvm ON THIS HOST"));

        assertThat(report("-Djvmm.kvm=labs", "-Djvmm.lab=off")).isFalse();
        assertThat(lines()).anyMatch(line -> line.startsWith("MISSING: tests on KVM"));
    }

    @Test
    void aProcessThatDiedAmongItsTestsIsSeen() throws IOException {
        record("kvm-ffi/target", PLAIN + "test\ta.PlainTest\tha");

        assertThat(report("-Djvmm.lab=off")).isFalse();
        assertThat(lines())
                .contains(
                        "MISSING: the tests of kvm-ffi broke off after a.PlainTest.adds 1 and 1",
                        "No lab: no stock Linux was booted, and nothing ran on hardware-style KVM");
    }

    @Test
    void aModuleWhoseTestsDidNotRunIsMissingUnlessOnlyAPartWasAskedFor() throws IOException {
        record("kvm-ffi/target", ON_KVM + "end\n");
        Files.createDirectories(root.resolve("uffd/src/test"));

        assertThat(report("-Djvmm.lab=off")).isFalse();
        assertThat(lines()).contains("MISSING: no test of uffd has run");
        assertThat(report("-Djvmm.lab=off", "--projects=kvm-ffi", "-Djvmm.kvm=required")).isTrue();
    }

    @Test
    void timesAreKeptFromRunToRun() throws IOException {
        record("kvm-ffi/target", ON_KVM + HERE + TIMES + "end\n");
        report("-Djvmm.lab=off");
        record("kvm-ffi/target", ON_KVM + TIMES.replace("1501", "2600") + "end\n");
        printed.reset();
        report("-Djvmm.lab=off", "--times");

        assertThat(lines())
                .containsSubsequence(
                        "time before where the time went",
                        "9.0 s 9.0 s kvm-ffi a.HereTest",
                        "2.6 s 1.5 s kvm-ffi a.KvmTest",
                        "11.6 s 10.5 s kvm-ffi, all classes");
        assertThat(TestTimes.in(root.resolve("cache")).of("kvm-ffi"))
                .hasValueSatisfying(sum -> assertThat(sum.toMillis()).isEqualTo(11602));
    }

    private void record(String folder, String content) throws IOException {
        Path target = Files.createDirectories(root.resolve(folder));
        Files.writeString(target.resolve(TestLog.FILE), content);
    }

    private boolean report(String... options) {
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            return new GateReport(root, root.resolve("cache"), GateOptions.parse(List.of(options)))
                    .print(out);
        }
    }

    /** Without the blanks that make columns. */
    private List<String> lines() {
        return printed.toString(StandardCharsets.UTF_8)
                .lines()
                .map(line -> line.strip().replaceAll(" +", " "))
                .toList();
    }
}
