// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Files that unpack to far more than they are, given to the command in a process that may not have
 * much memory: a heap of 128 MiB, and a limit to all its data, the guest's memory included.
 */
@RequiresKvm
@Tag(LabTests.HOST)
class BombsTest {

    private static final Duration LIMIT = Duration.ofMinutes(2);

    /** More than the process may have. */
    private static final long ZEROS = 640L << 20;

    /** KiB of data: heap, guest and what the Java runtime itself takes. */
    private static final int DATA_KIB = 480 << 10;

    @TempDir private Path folder;

    enum Bomb {
        GZIP,
        XZ,
        ZSTD;

        byte[] content() {
            return packed(new byte[0]);
        }

        /** An archive with one file of zeros. */
        byte[] initrd() {
            return packed(Bombs.cpioHeader(ZEROS));
        }

        private byte[] packed(byte[] beginning) {
            return switch (this) {
                case GZIP -> Bombs.gzip(beginning, ZEROS);
                case XZ -> Bombs.xz(beginning, ZEROS);
                case ZSTD -> Bombs.zstd(beginning, ZEROS);
            };
        }
    }

    @ParameterizedTest
    @EnumSource
    void aKernelThatUnpacksToTooMuchIsRefused(Bomb bomb) {
        String kernel = GuestFiles.write(folder, "bomb", bomb.content());
        try (VmProcess vm = start("--memory", "64M", "--kernel", kernel)) {
            vm.expectExit(3, LIMIT);

            assertOneLine(vm, kernel);
        }
    }

    /** What Linux would unpack later may be large; that it is sound is found out in little room. */
    @ParameterizedTest
    @EnumSource
    void anInitrdThatUnpacksToTooMuchTakesNoMemoryHere(Bomb bomb) {
        String kernel = GuestFiles.write(folder, Payload.END_POWER_OFF);
        String initrd = GuestFiles.write(folder, "bomb", bomb.initrd());
        try (VmProcess vm = start("--memory", "64M", "--kernel", kernel, "--initrd", initrd)) {
            vm.expectExit(0, LIMIT);

            assertThat(vm.errorLog()).isEmpty();
        }
    }

    @Test
    void aDictionaryLargerThanTheHeapIsOneLineToo() {
        String kernel = GuestFiles.write(folder, "dictionary", Bombs.xzWithHugeDictionary(1 << 20));
        try (VmProcess vm = start("--memory", "64M", "--kernel", kernel)) {
            vm.expectExit(3, LIMIT);

            assertOneLine(vm, kernel);
            assertThat(vm.errorLog()).contains("raise -Xmx");
        }
    }

    private static VmProcess start(String... arguments) {
        List<String> options = new ArrayList<>(List.of("--quiet"));
        options.addAll(List.of(arguments));
        String limited = "ulimit -d " + DATA_KIB + "; exec \"$@\"";
        List<String> command = new ArrayList<>(List.of("sh", "-c", limited, "sh"));
        command.addAll(VmProcess.command(List.of("-Xmx128m", "-XX:+UseSerialGC"), options));
        return VmProcess.launch(command);
    }

    private static void assertOneLine(VmProcess vm, String file) {
        assertThat(vm.serialLog()).isEmpty();
        assertThat(vm.errorLog().lines())
                .singleElement()
                .asString()
                .startsWith("vmm: ")
                .contains(file);
    }
}
