// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess.Signal;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The command on a terminal: raw while it runs, as it was on every way out. */
@RequiresKvm
@Tag(LabTests.HOST)
class TerminalTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String CTRL_A = "\1";
    private static final String CTRL_C = "\3";

    @TempDir private Path folder;

    private TerminalSession echo() {
        return TerminalSession.start(folder, "--kernel", GuestFiles.write(folder, SerialGuest.ECHO))
                .waitForText("before=")
                .waitForText("vmm: ")
                .waitForText("R");
    }

    private TerminalSession start(Payload payload) {
        return TerminalSession.start(folder, "--kernel", GuestFiles.write(folder, payload));
    }

    @Test
    void theTerminalIsRawWhileTheGuestRuns() {
        try (TerminalSession terminal = echo()) {
            assertThat(terminal.settings()).contains("-icanon", "-echo ", "-isig", "-icrnl");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void keysReachTheGuestOneByOneAndAreShownByNobodyElse() {
        try (TerminalSession terminal = echo()) {
            terminal.type("k").waitForText("k").type("ey").waitForText("ey");
            assertThat(terminal.output()).doesNotContain("kk").doesNotContain("yy");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void ctrlCIsAKeyForTheGuest() {
        try (TerminalSession terminal = echo()) {
            terminal.type(CTRL_C).waitForText(CTRL_C).type("a").waitForText("a");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void ctrlATwiceIsOneForTheGuest() {
        try (TerminalSession terminal = echo()) {
            terminal.type(CTRL_A + CTRL_A + "z").waitForText(CTRL_A + "z");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void thePowerOffOfTheBundledGuestLeavesTheTerminalAsItWas() {
        try (TerminalSession terminal = TerminalSession.start(folder)) {
            terminal.waitForText("Hello").expectExit(0);
        }
    }

    @Test
    void ctrlAxStopsTheMachine() {
        try (TerminalSession terminal = echo()) {
            terminal.type(CTRL_A + "x").expectExit(0);
        }
    }

    @Test
    void ctrlAxStopsAGuestThatDoesNotReadWhatIsTyped() {
        try (TerminalSession terminal = start(Payload.RING3_SPIN)) {
            terminal.waitForText("Ctrl-A x");
            terminal.type("much text ".repeat(20_000)).type(CTRL_A + "x").expectExit(0);
        }
    }

    @Test
    void ctrlAxThatWasTypedTooEarlyCounts() {
        try (TerminalSession terminal = start(Payload.RING3_SPIN)) {
            terminal.type(CTRL_A + "x").expectExit(0);
        }
    }

    @Test
    void ctrlAhShowsTheKeys() {
        try (TerminalSession terminal = echo()) {
            terminal.type(CTRL_A + "h").waitForText("stop the machine");
            terminal.waitForText("send Ctrl-A to the guest");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void ctrlArResetsTheMachineAndKeepsTheTerminal() {
        try (TerminalSession terminal = echo()) {
            for (int i = 0; i < 3; i++) {
                terminal.type(CTRL_A + "r").waitForText("R").type("w").waitForText("w");
            }
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void aStoppedMachineLeavesTheTerminalAsItWasAndHasItRawAgainWhenItGoesOn() {
        try (TerminalSession terminal = echo()) {
            terminal.signal(Signal.TSTP);
            Await.until("cooked", LIMIT, () -> !terminal.settings().contains("-icanon"));
            ProcessView command = ProcessView.of(terminal.command().orElseThrow().pid());
            Await.until("stopped", LIMIT, command::isStopped);

            terminal.signal(Signal.CONT);
            Await.until("raw", LIMIT, () -> terminal.settings().contains("-icanon"));
            terminal.type("again").waitForText("again");
            terminal.type("q").expectExit(0);
        }
    }

    @Test
    void aResetFindsAKernelThatWasDeleted() throws IOException {
        String kernel = GuestFiles.write(folder, SerialGuest.ECHO);
        try (TerminalSession terminal = TerminalSession.start(folder, "--kernel", kernel)) {
            terminal.waitForText("vmm: ").waitForText("R");
            Files.delete(Path.of(kernel));
            terminal.type(CTRL_A + "r").waitForText("R");
            terminal.type("q").expectExit(0);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            names = {"INT", "TERM", "HUP"})
    void aSignalLeavesTheTerminalAsItWas(Signal signal) {
        try (TerminalSession terminal = echo()) {
            terminal.signal(signal).expectExit(signal.exitCode());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Payload.class,
            names = {"END_RESET_PORT", "END_TRIPLE_FAULT", "END_PANIC"})
    void soDoesEveryOtherEndOfTheGuest(Payload payload) {
        int code =
                switch (payload) {
                    case END_RESET_PORT -> 32;
                    case END_TRIPLE_FAULT -> 33;
                    default -> 34;
                };
        try (TerminalSession terminal = start(payload)) {
            terminal.expectExit(code);
        }
    }

    @Test
    void aBadKernelLeavesTheTerminalAsItWas() {
        String kernel =
                GuestFiles.write(folder, "text", "no kernel\n".getBytes(StandardCharsets.US_ASCII));
        try (TerminalSession terminal = TerminalSession.start(folder, "--kernel", kernel)) {
            terminal.waitForText("it is a text file").expectExit(3);
        }
    }

    /** The guest's memory is more than the process may have, which is found on a raw terminal. */
    @Test
    void aHostThatCannotLeavesTheTerminalAsItWas() {
        String sixtyGigabytes = "ulimit -v 60000000";
        try (TerminalSession terminal =
                TerminalSession.startAfter(sixtyGigabytes, folder, "--memory", "900G")) {
            terminal.waitForText("no host memory for a guest of 921600 MiB").expectExit(4);
        }
    }

    @Test
    void aMonitorThatCannotGoOnLeavesTheTerminalAsItWas() {
        String kernel = GuestFiles.write(folder, SerialGuest.STRAY);
        try (TerminalSession terminal = TerminalSession.start(folder, "--kernel", kernel)) {
            terminal.waitForText("registers:").expectExit(1);
        }
    }

    @Test
    void theMachineEndsWithItsTerminal() throws Exception {
        try (TerminalSession terminal = echo()) {
            ProcessHandle command = terminal.command().orElseThrow();
            terminal.hangUp();
            command.onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertThat(command.isAlive()).isFalse();
        }
    }
}
