// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.machine.ConsoleTarget;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Signals to a process of its own whose session has not come to its machine, or never does. */
class SessionSignalsTest {

    private static final long LIMIT = 60;

    @TempDir private Path folder;

    /** A session that waits in the kernel for the other side of a named pipe. */
    static final class Waiting {
        private Waiting() {}

        public static void main(String[] args) throws Exception {
            LogFile log = new LogFile(Path.of(args[0]));
            new Session(
                            () -> {
                                System.out.println("opens");
                                log.open();
                                throw new AssertionError("nobody reads");
                            },
                            log,
                            false,
                            null)
                    .run();
        }
    }

    /** Takes standard output for the guest, writes there, and waits for its input to end. */
    static final class Writing {
        private Writing() {}

        public static void main(String[] args) throws Exception {
            GuestOutput.processIsOurs();
            var target = (ConsoleTarget.ToDescriptor) GuestOutput.take();
            try (OutputStream guest = new FileOutputStream("/proc/self/fd/" + target.number())) {
                guest.write("guest\n".getBytes(StandardCharsets.US_ASCII));
                while (System.in.read() >= 0) {
                    // until the test has seen enough
                }
                guest.write("end\n".getBytes(StandardCharsets.US_ASCII));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void aSignalEndsAStartThatWaitsInTheKernel(String signal, int code) throws Exception {
        Path fifo = folder.resolve("fifo");
        run("mkfifo", fifo.toString());
        Process session =
                new ProcessBuilder(StandardStreamTest.java(Waiting.class, fifo.toString()))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (BufferedReader out = reader(session)) {
            assertThat(out.readLine()).isEqualTo("opens");

            run("kill", "-" + signal, Long.toString(session.pid()));

            assertThat(session.waitFor(LIMIT, TimeUnit.SECONDS)).isTrue();
            assertThat(session.exitValue()).isEqualTo(code);
        } finally {
            session.destroyForcibly();
        }
    }

    @Test
    void aThreadDumpGoesToStandardErrorAndNotIntoTheGuestsStream() throws Exception {
        Path errors = folder.resolve("errors");
        Process writing =
                new ProcessBuilder(StandardStreamTest.java(Writing.class))
                        .redirectError(errors.toFile())
                        .start();
        try (BufferedReader out = reader(writing)) {
            assertThat(out.readLine()).isEqualTo("guest");

            run("kill", "-QUIT", Long.toString(writing.pid()));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT);
            while (!Files.readString(errors).contains("Full thread dump")) {
                assertThat(System.nanoTime()).as("a dump in time").isLessThan(deadline);
                java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
            }
            writing.getOutputStream().close();

            assertThat(out.readLine()).isEqualTo("end");
            assertThat(out.readLine()).isNull();
        } finally {
            writing.destroyForcibly();
        }
    }

    private static BufferedReader reader(Process process) {
        return new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII));
    }

    private static void run(String... command) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
