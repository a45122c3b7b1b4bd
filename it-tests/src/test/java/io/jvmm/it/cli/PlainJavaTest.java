// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** {@code java -jar vmm.jar} without the launcher: command lines that end before a machine runs. */
class PlainJavaTest {

    private static final Duration LIMIT = Duration.ofMinutes(2);

    @TempDir private Path folder;

    private static List<String> inLocale(String locale, String... arguments) {
        List<String> command = new ArrayList<>(List.of("env", "LC_ALL=" + locale));
        command.addAll(VmProcess.command(List.of(), List.of(arguments)));
        return command;
    }

    @Test
    void aNameThatTheLocaleCannotSpellIsRefusedWithTheRemedy() {
        List<String> command = new ArrayList<>();
        command.addAll(List.of("sh", "-c", "exec \"$@\" \"$(printf 'kernel-\\303\\274')\"", "sh"));
        command.addAll(inLocale("C", "--serial", "none", "--kernel"));
        try (VmProcess vmm = VmProcess.launch(command)) {
            vmm.expectExit(2, LIMIT);

            assertThat(vmm.errorLog()).contains("'--kernel'", "start with LC_ALL=C.UTF-8");
        }
    }

    @ParameterizedTest
    @CsvSource({"@words", "host", "page-server", "run", "help"})
    void aFileMayBeNamedLikeAnythingThatMeansSomethingElsewhere(String name) throws IOException {
        Files.writeString(folder.resolve(name), "--memory much\n");
        List<String> command = new ArrayList<>();
        command.addAll(List.of("sh", "-c", "cd '%s' && exec \"$@\"".formatted(folder), "sh"));
        command.addAll(VmProcess.command(List.of(), List.of("-s", "none", "-k", name)));
        try (VmProcess vmm = VmProcess.launch(command)) {
            vmm.expectExit(3, LIMIT);

            assertThat(vmm.errorLog()).contains("Kernel " + name, "is not a kernel for x86-64");
        }
    }

    @Test
    void aMistypedKernelLeavesAnOldLogAsItIs() throws IOException {
        Path log = folder.resolve("log");
        Files.writeString(log, "old");
        try (VmProcess vmm = VmProcess.start("-s", "file:" + log, "-k", folder + "/nothing")) {
            vmm.expectExit(3, LIMIT);

            assertThat(vmm.errorLog()).contains("does not exist");
        }
        assertThat(log).content(StandardCharsets.US_ASCII).isEqualTo("old");
    }

    @Test
    void aMistypedKernelMakesNoLog() {
        Path log = folder.resolve("log");
        try (VmProcess vmm = VmProcess.start("-s", "file:" + log, "-k", folder + "/nothing")) {
            vmm.expectExit(3, LIMIT);
        }
        assertThat(log).doesNotExist();
    }

    @Test
    void helpIsACommand() {
        try (VmProcess help = VmProcess.start("help", "host");
                VmProcess option = VmProcess.start("host", "--help")) {
            help.expectExit(0, LIMIT);
            option.expectExit(0, LIMIT);

            assertThat(help.serialLog()).contains("--json").isEqualTo(option.serialLog());
        }
    }

    @Test
    void theRuntimesOwnLackOfMemoryEndsWithALineOfOurs() {
        String kernel = GuestFiles.write(folder, "text", "no".getBytes(StandardCharsets.US_ASCII));
        List<String> small = VmProcess.command(List.of("-Xmx2m"), List.of("-k", kernel));
        try (VmProcess vmm = VmProcess.launch(small)) {
            // Either it is enough, or it is said that it was not.
            assertThat(vmm.waitForExit(LIMIT)).isIn(1, 3, 4);
            assertThat(vmm.errorLog()).doesNotContain("Exception in thread");
        }
    }
}
