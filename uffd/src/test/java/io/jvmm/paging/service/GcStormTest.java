// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Collections one after the other while pages arrive: in processes of their own, by collector. How
 * much memory and how often is told by the properties {@code jvmm.storm.mib} (128) and {@code
 * jvmm.storm.runs} (1); at full length 1024 and 20.
 *
 * <p>The processes watch their own safepoints: one that does not begin within a minute ends them,
 * and says whom it waited for.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(7200)
class GcStormTest {

    private static final int MIB = Integer.getInteger("jvmm.storm.mib", 128);
    private static final int RUNS = Repetitions.of(1, 8, 1);
    private static final int HELD_MIB = 4;
    private static final String STANDSTILL = "did not reach the safepoint";

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC", "-XX:+UseZGC"})
    void gatedReadersSurviveAStormOfCollections(String collector)
            throws IOException, InterruptedException {
        for (int run = 0; run < RUNS; run++) {
            Process process =
                    start(
                            List.of(
                                    collector,
                                    "-XX:SafepointTimeoutDelay=60000",
                                    "-XX:+AbortVMOnSafepointTimeout"),
                            "gated",
                            MIB,
                            "free");
            endsWell(process);
        }
    }

    @Test
    void gatedReadersDoNotHoldUpTheCollectionThatTheirPagesWaitFor()
            throws IOException, InterruptedException {
        endsWell(
                start(
                        List.of(
                                "-XX:+UseSerialGC",
                                "-XX:SafepointTimeoutDelay=60000",
                                "-XX:+AbortVMOnSafepointTimeout"),
                        "gated",
                        HELD_MIB,
                        "held"));
    }

    /** The test of the test: the same without the gate stands still. */
    @Test
    void withoutTheGateTheProcessStandsStill() throws IOException, InterruptedException {
        Process process =
                start(
                        List.of("-XX:+UseSerialGC", "-XX:SafepointTimeoutDelay=5000"),
                        "ungated",
                        HELD_MIB,
                        "held");
        try (BufferedReader output = process.inputReader(UTF_8)) {
            String line = output.readLine();
            while (line != null && !line.contains(STANDSTILL)) {
                line = output.readLine();
            }
            assertThat(line).as("what it says when it stands still").isNotNull();
            assertThat(process.isAlive()).isTrue();
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static void endsWell(Process process) throws IOException, InterruptedException {
        try (BufferedReader output = process.inputReader(UTF_8)) {
            List<String> lines = output.readAllLines();
            assertThat(process.waitFor()).as("%s", lines).isZero();
            assertThat(lines).anyMatch(line -> line.endsWith(" collections"));
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static Process start(List<String> options, String mode, int mib, String source)
            throws IOException {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        List<String> command = new ArrayList<>();
        command.addAll(List.of(java.toString(), "-XX:+UnlockDiagnosticVMOptions"));
        command.addAll(options);
        command.addAll(
                List.of(
                        "-XX:+SafepointTimeout",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx256m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        GcStorm.class.getName(),
                        mode,
                        Integer.toString(mib),
                        source));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }
}
