// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Two processes share the labs of a run: one runs them, the other waits and reports. */
@Timeout(60)
class LabRunsTest {

    private static final LabKernel KERNEL = LabKernel.DEBIAN_7_2;

    @TempDir Path target;

    @Test
    void theResultsOfALabThatHasEndedAreRead() throws IOException {
        Path reports = Files.createDirectories(target.resolve("lab-7.2/results/reports"));
        Files.writeString(
                reports.resolve("TEST-a.xml"),
                "<testsuite><testcase name='b()' classname='A'/></testsuite>");
        Files.writeString(target.resolve("lab-7.2.ended"), "");

        assertThat(new LabRuns(target).await(KERNEL))
                .containsExactly(new LabTestResult("A", "b", LabTestResult.Status.PASSED, ""));
    }

    @Test
    void theReasonWhyALabFailedIsPassedOn() throws IOException {
        Files.writeString(target.resolve("lab-7.2.ended"), "no QEMU here");

        assertThatExceptionOfType(LabException.class)
                .isThrownBy(() -> new LabRuns(target).await(KERNEL))
                .withMessage("no QEMU here");
    }

    @Test
    void aProcessThatHasEndedIsNotWaitedFor() throws Exception {
        Path started = Files.createFile(target.resolve("labs.started"));
        Process other = holder(started);
        assertThat(other.inputReader().readLine()).isEqualTo("locked");
        Thread killer =
                Thread.ofVirtual()
                        .start(() -> {
                            try {
                                assertThat(other.waitFor(2, TimeUnit.SECONDS)).isFalse();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            other.destroyForcibly();
                        });

        assertThatExceptionOfType(LabException.class)
                .isThrownBy(() -> new LabRuns(target).await(KERNEL))
                .withMessageContaining("ended without this one");
        killer.join();
        assertThat(other.isAlive()).isFalse();
    }

    @Test
    void theDeadlineFollowsWhatALabTookBefore() {
        assertThat(LabRuns.deadline(Optional.empty())).isEqualTo(Duration.ofMinutes(25));
        assertThat(LabRuns.deadline(Optional.of(Duration.ofMinutes(5))))
                .isEqualTo(Duration.ofMinutes(20));
        assertThat(LabRuns.deadline(Optional.of(Duration.ofSeconds(9))))
                .isEqualTo(Duration.ofMinutes(10));
        assertThat(LabRuns.deadline(Optional.of(Duration.ofHours(2))))
                .isEqualTo(Duration.ofMinutes(25));
    }

    /** A process that holds the lock as the one that runs the labs does. */
    private Process holder(Path file) throws IOException {
        Path source =
                Files.writeString(
                        target.resolve("Holder.java"),
                        """
                        import java.nio.channels.FileChannel;
                        import java.nio.file.Path;
                        import java.nio.file.StandardOpenOption;

                        class Holder {
                            public static void main(String[] args) throws Exception {
                                try (var channel =
                                                FileChannel.open(
                                                        Path.of(args[0]), StandardOpenOption.WRITE);
                                        var lock = channel.lock()) {
                                    System.out.println("locked");
                                    System.in.read();
                                }
                            }
                        }
                        """);
        return new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                source.toString(),
                                file.toString()))
                .start();
    }
}
