// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.framework;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.List;

@Timeout(60)
class VmProcessTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(200);

    @Test
    void talksWithTheProcessAndTakesItsExitCode() {
        try (VmProcess vm = shell("echo ready; read line; echo got $line; exit 3")) {
            vm.waitForText("ready", LONG).send("hello").waitForText("got hello", LONG);
            assertThat(vm.waitForExit(LONG)).isEqualTo(3);
            assertThat(vm.serialLog()).isEqualTo("ready\ngot hello\n");
        }
    }

    @Test
    void textThatWasWaitedForIsNotFoundAgain() {
        try (VmProcess vm = shell("echo prompt; read line; echo prompt; read line")) {
            vm.waitForText("prompt", LONG);
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> vm.waitForText("prompt", SHORT));
            vm.send("next").waitForText("prompt", LONG);
        }
    }

    @Test
    void whatDoesNotComeFailsWithBothLogs() {
        try (VmProcess vm = shell("echo on serial; echo on errors >&2; exit 1")) {
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> vm.waitForText("never", LONG))
                    .withMessageStartingWith("waited for \"never\": it ended")
                    .withMessageContaining("on serial");
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> vm.expectExit(0, LONG))
                    .withMessageStartingWith("ended with exit code 1 instead of 0")
                    .withMessageContaining("on errors");
        }
    }

    @Test
    void signalsArrive() {
        String trap = "trap 'echo caught; exit 9' TERM; echo armed; while :; do read line; done";
        try (VmProcess vm = shell(trap)) {
            vm.waitForText("armed", LONG).signal(VmProcess.Signal.TERM);
            vm.waitForText("caught", LONG).expectExit(9, LONG);
        }
    }

    @Test
    void closeEndsWhatStillRuns() {
        VmProcess vm = shell("echo up; read line");
        vm.waitForText("up", LONG);
        vm.close();

        assertThat(ProcessHandle.of(vm.pid())).isEmpty();
    }

    private static VmProcess shell(String script) {
        return VmProcess.launch(List.of("sh", "-c", script));
    }
}
