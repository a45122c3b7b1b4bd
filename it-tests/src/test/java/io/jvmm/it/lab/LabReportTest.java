// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class LabReportTest {

    @TempDir Path folder;

    @Test
    void everyTestHasItsNameItsEndAndTheReason() throws IOException {
        Files.writeString(
                folder.resolve("TEST-junit-jupiter.xml"),
                """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuite name="JUnit Jupiter" tests="3">
                  <testcase name="boots(String, int)[1]" classname="a.BootTest" time="1.2">
                    <system-out><![CDATA[
                unique-id: [engine:x]
                display-name: 6.1, 2 CPUs
                ]]></system-out>
                  </testcase>
                  <testcase name="fails()" classname="a.OtherTest" time="0.1">
                    <failure message="no" type="java.lang.AssertionError"><![CDATA[no
                    at a.OtherTest.fails(OtherTest.java:7)]]></failure>
                    <system-out><![CDATA[display-name: fails()]]></system-out>
                  </testcase>
                  <testcase name="waits()" classname="a.OtherTest" time="0">
                    <skipped><![CDATA[not here]]></skipped>
                  </testcase>
                </testsuite>
                """);

        assertThat(LabReport.read(folder))
                .containsExactly(
                        new LabTestResult(
                                "a.BootTest", "boots 6.1, 2 CPUs", LabTestResult.Status.PASSED, ""),
                        new LabTestResult(
                                "a.OtherTest",
                                "fails",
                                LabTestResult.Status.FAILED,
                                "no\n    at a.OtherTest.fails(OtherTest.java:7)"),
                        new LabTestResult(
                                "a.OtherTest", "waits", LabTestResult.Status.SKIPPED, "not here"));
    }

    @Test
    void aFolderWithoutAReportIsAFailureOfTheLab() {
        assertThatExceptionOfType(LabException.class)
                .isThrownBy(() -> LabReport.read(folder))
                .withMessage("the lab sent no test report");
    }
}
