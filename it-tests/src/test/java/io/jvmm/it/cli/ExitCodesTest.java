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
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** How the command ends when the guest does, and what it wrote where. */
@RequiresKvm
@Tag(LabTests.HOST)
class ExitCodesTest {

    /** Generous: the host may be busy with other tests. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final String GREETING = "Hello";

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({
        "END_POWER_OFF, 0, ''",
        "END_RESET_PORT, 32, vmm: the guest asked for a reset (reset port)",
        "END_RESET_I8042, 32, vmm: the guest asked for a reset (i8042)",
        "END_TRIPLE_FAULT, 33, vmm: vCPU 0 met a triple fault",
        "END_PANIC, 34, vmm: the guest's kernel panicked"
    })
    void everyEndOfAGuestHasItsCodeAndItsLine(Payload payload, int code, String line) {
        try (VmProcess vm = VmProcess.start("--kernel", GuestFiles.write(folder, payload))) {
            vm.expectExit(code, LIMIT);

            assertThat(vm.serialLog()).isEmpty();
            assertOnlyLogLines(vm);
            if (!line.isEmpty()) {
                assertThat(vm.errorLog().lines()).contains(line);
            }
        }
    }

    @Test
    void whatTheMonitorCannotDoIsReportedOnceWithTheRegisters() {
        String kernel = GuestFiles.write(folder, SerialGuest.STRAY);
        try (VmProcess vm = VmProcess.start("--quiet", "--kernel", kernel)) {
            vm.expectExit(1, LIMIT);

            assertThat(vm.errorLog()).startsWith("vmm: vCPU 0: ").contains("rip 00000000d0000000");
            assertThat(vm.errorLog().lines().filter(line -> line.startsWith("vmm: "))).hasSize(2);
        }
    }

    @Test
    void theBundledGuestGreetsOnStandardOutput() {
        try (VmProcess vm = VmProcess.start("--cpus", "2")) {
            vm.waitForText(GREETING, LIMIT).expectExit(0, LIMIT);

            assertThat(vm.serialLog()).doesNotContain("vmm:");
            assertOnlyLogLines(vm);
            assertThat(vm.errorLog()).isNotEmpty();
        }
    }

    @Test
    void quietSaysNothingOnStandardError() {
        try (VmProcess vm = VmProcess.start("--quiet")) {
            vm.waitForText(GREETING, LIMIT).expectExit(0, LIMIT);

            assertThat(vm.errorLog()).isEmpty();
        }
    }

    @Test
    void verboseLogsMoreAndKeepsTheConsoleClean() {
        try (VmProcess vm = VmProcess.start("--verbose")) {
            vm.waitForText(GREETING, LIMIT).expectExit(0, LIMIT);

            assertThat(vm.serialLog()).doesNotContain("vmm:");
            assertOnlyLogLines(vm);
            assertThat(vm.errorLog()).contains("PowerOff");
        }
    }

    @Test
    void theConsoleGoesToAFile() throws IOException {
        Path console = Files.writeString(folder.resolve("console"), "from an earlier run");
        try (VmProcess vm = VmProcess.start("--serial", "file:" + console)) {
            vm.expectExit(0, LIMIT);

            assertThat(vm.serialLog()).isEmpty();
            assertThat(Files.readString(console)).contains(GREETING).doesNotContain("earlier");
        }
    }

    @Test
    void theConsoleGoesNowhere() {
        try (VmProcess vm = VmProcess.start("--serial", "none")) {
            vm.expectExit(0, LIMIT);

            assertThat(vm.serialLog()).isEmpty();
            assertOnlyLogLines(vm);
        }
    }

    @Test
    void aFileThatCannotBeWrittenIsSaidInOneLine() {
        Path console = folder.resolve("missing").resolve("console");
        try (VmProcess vm = VmProcess.start("--quiet", "--serial", "file:" + console)) {
            vm.expectExit(4, LIMIT);

            assertThat(vm.errorLog().lines())
                    .singleElement()
                    .asString()
                    .startsWith("vmm: ")
                    .contains(console.toString());
        }
    }

    @Test
    void aWrongCommandLineIsTold() {
        try (VmProcess vm = VmProcess.start("--memory", "512")) {
            vm.expectExit(2, LIMIT);

            assertThat(vm.serialLog()).isEmpty();
            assertThat(vm.errorLog().lines().toList().getFirst()).contains("--memory", "512M");
            assertOnlyLogLines(vm);
        }
    }

    /** The reader of the console goes away; that is the guest's affair only. */
    @Test
    void aClosedStandardOutputDoesNotStopTheGuestAndIsALoss() {
        List<String> vmm = VmProcess.command(List.of(), List.of("--cpus", "2"));
        String script = "{ \"$@\"; echo \"code $?\" >&2; } | true";
        List<String> command = new ArrayList<>(List.of("sh", "-c", script, "sh"));
        command.addAll(vmm);
        try (VmProcess shell = VmProcess.launch(command)) {
            shell.expectExit(0, LIMIT);

            assertThat(shell.errorLog().lines()).endsWith("code 5");
            assertThat(shell.errorLog()).doesNotContain("\tat ");
        }
    }

    @Test
    void whatIsPipedInReachesTheGuestAsItIs() {
        String kernel = GuestFiles.write(folder, SerialGuest.ECHO);
        try (VmProcess vm = VmProcess.start("--kernel", kernel)) {
            vm.waitForText("R", LIMIT);
            // Ctrl-A x is a command on a terminal only, and Ctrl-C a signal nowhere here.
            vm.sendRaw("hello\1x\3\4 there").waitForText("hello\1x\3\4 there", LIMIT);
            vm.sendRaw("q").expectExit(0, LIMIT);
        }
    }

    private static void assertOnlyLogLines(VmProcess vm) {
        assertThat(vm.errorLog().lines()).allMatch(line -> line.startsWith("vmm: "));
    }
}
