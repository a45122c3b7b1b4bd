// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmProcess.Signal;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Whoever comes to the process while its vCPU waits for a page that does not come is answered. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(240)
class StuckProcessTest {

    private static final Duration START = Duration.ofSeconds(60);

    /** A second is what it should take; the host may be busy with other tests. */
    private static final Duration ANSWER = Duration.ofSeconds(10);

    private static VmProcess stuck(String ring) {
        VmProcess vm =
                VmProcess.launch(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                StuckVm.class.getName(),
                                ring));
        vm.waitForText("R", START);
        long deadline = System.nanoTime() + START.toNanos();
        while (!vm.errorLog().contains(StuckVm.HELD)) {
            assertThat(System.nanoTime()).as(vm.errorLog()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
        return vm;
    }

    @ParameterizedTest
    @CsvSource({"ring3, INT", "ring3, TERM", "ring0, INT", "ring0, TERM"})
    void aSignalEndsIt(String ring, Signal signal, TestReporter reporter) {
        try (VmProcess vm = stuck(ring)) {
            long begin = System.nanoTime();
            vm.signal(signal).expectExit(signal.exitCode(), ANSWER);
            reporter.publishEntry(
                    "SIG%s to a vCPU stuck in %s".formatted(signal, ring), millisSince(begin));
        }
    }

    /**
     * In ring 3 only: a thread inside the kernel's own access to a missing page stops for no
     * debugger until the page comes.
     */
    @Test
    void aDebuggerLooksAtItAndItGoesOn(TestReporter reporter) throws Exception {
        boolean installed = isOnPath("gdb");
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            assumeTrue(installed, "needs gdb");
        }
        Path output = Files.createTempFile("gdb", ".txt");
        try (VmProcess vm = stuck("ring3")) {
            long begin = System.nanoTime();
            Process gdb =
                    new ProcessBuilder(
                                    "gdb",
                                    "-nx",
                                    "-p",
                                    Long.toString(vm.pid()),
                                    "-batch",
                                    "-ex",
                                    "info threads",
                                    "-ex",
                                    "detach")
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            try {
                assertThat(gdb.waitFor(60, TimeUnit.SECONDS)).as(Files.readString(output)).isTrue();
            } finally {
                gdb.destroyForcibly();
            }
            reporter.publishEntry("gdb: attach, info threads, detach", millisSince(begin));
            assertThat(Files.readString(output, UTF_8)).contains("vm-vcpu-0").contains("detached");
            vm.send("serve").waitForText(".", START).waitForText(".", START);
            vm.signal(Signal.TERM).expectExit(Signal.TERM.exitCode(), ANSWER);
        } finally {
            Files.delete(output);
        }
    }

    private static String millisSince(long begin) {
        return (System.nanoTime() - begin) / 1_000_000 + " ms";
    }

    private static boolean isOnPath(String tool) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
    }
}
