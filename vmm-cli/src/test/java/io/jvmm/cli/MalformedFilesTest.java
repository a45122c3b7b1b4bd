// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.MalformedFiles;
import io.jvmm.ffi.testing.RequiresKvm;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Broken kernels and initial RAM disks, given to the command. */
@RequiresKvm
class MalformedFilesTest {

    /** What one refusal may take of the heap: a payload as large as the guest, and buffers. */
    private static final long ALLOCATION_MAX = 64L << 20;

    @TempDir private static Path folder;
    private static Path soundKernel;

    @BeforeAll
    static void writeKernel() throws IOException {
        soundKernel = Files.write(folder.resolve("sound"), MalformedFiles.soundKernel());
    }

    static Stream<Arguments> kernels() {
        return MalformedFiles.kernels();
    }

    static Stream<Arguments> initrds() {
        return MalformedFiles.initrds();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("kernels")
    void aKernelIsRefusedInOneLine(String what, byte[] content, String reason) throws IOException {
        Path kernel = Files.write(folder.resolve("kernel"), content);
        assertRefused(what, reason, "--kernel", kernel.toString());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("initrds")
    void anInitrdIsRefusedInOneLine(String what, byte[] content, String reason) throws IOException {
        Path initrd = Files.write(folder.resolve("initrd"), content);
        assertRefused(
                what, reason, "--kernel", soundKernel.toString(), "--initrd", initrd.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--kernel", "--initrd"})
    void aPathWithoutAFileIsRefusedInOneLine(String option) {
        assertRefused(option, "is a directory", option, folder.toString());
        assertRefused(option, "does not exist", option, folder.resolve("nothing").toString());
        assertRefused(option, "a pipe or a device", option, "/dev/zero");
    }

    private static void assertRefused(String what, String reason, String... options) {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        String[] args =
                Stream.concat(
                                Stream.of("--quiet", "--serial", "none", "--memory", "16M"),
                                Stream.of(options))
                        .toArray(String[]::new);
        long before = threads.getCurrentThreadAllocatedBytes();
        CommandRun run = CommandRun.of(args);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;

        assertThat(run.errLines()).as(what).singleElement().asString().startsWith("vmm: ");
        assertThat(run.err()).as(what).contains(reason);
        assertThat(run.exitCode()).as(what).isEqualTo(ExitCode.BAD_IMAGE);
        assertThat(run.out()).as(what).isEmpty();
        assertThat(allocated).as(what).isLessThan(ALLOCATION_MAX);
    }
}
