// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmProcess.Signal;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.time.Duration;

/** Guests that are asked to end, and guests that begin again. */
@RequiresKvm
@Tag(LabTests.HOST)
class GracefulTest {

    /** Generous: the host may be busy with other tests. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final String ASKED = "is asked to power off";

    @TempDir private Path folder;

    private VmProcess start(Payload payload, String option) {
        return VmProcess.start("--kernel", GuestFiles.write(folder, payload), option);
    }

    private static void awaitError(VmProcess vm, String text) {
        Await.until(text, LIMIT, () -> vm.errorLog().contains(text));
    }

    private static void awaitVcpu(VmProcess vm) {
        ProcessView process = ProcessView.of(vm.pid());
        Await.until("a vCPU", LIMIT, () -> !process.threads("vm-vcpu-").isEmpty());
        Await.until("the guest computes", LIMIT, () -> process.processorTime("vm-vcpu-0") >= 5);
    }

    @Test
    void ctrlCAsksTheGuestToPowerOff() {
        try (VmProcess vm = start(Payload.POWER_BUTTON, "--graceful")) {
            vm.waitForText("R", LIMIT).signal(Signal.INT).expectExit(0, LIMIT);

            assertThat(vm.serialLog()).isEqualTo("RB");
            assertThat(vm.errorLog()).contains("the guest " + ASKED + " and has 30 s");
        }
    }

    @Test
    void aGuestThatDoesNotAnswerHasItsTime() {
        try (VmProcess vm = start(Payload.RING3_SPIN, "--graceful=1")) {
            awaitVcpu(vm);
            vm.signal(Signal.INT).expectExit(Signal.INT.exitCode(), LIMIT);

            assertThat(vm.errorLog())
                    .contains("does not listen", ASKED, "did not power off within 1 s");
        }
    }

    @Test
    void ctrlCAgainDoesNotWaitForThat() {
        try (VmProcess vm = start(Payload.RING3_SPIN, "--graceful=3600")) {
            awaitVcpu(vm);
            vm.signal(Signal.INT);
            awaitError(vm, ASKED);
            vm.signal(Signal.INT).expectExit(Signal.INT.exitCode(), LIMIT);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            names = {"TERM", "HUP"})
    void otherSignalsDoNotAsk(Signal signal) {
        try (VmProcess vm = start(Payload.POWER_BUTTON, "--graceful=3600")) {
            vm.waitForText("R", LIMIT).signal(signal).expectExit(signal.exitCode(), LIMIT);

            assertThat(vm.serialLog()).isEqualTo("R");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Payload.class,
            names = {"END_RESET_PORT", "END_RESET_I8042"})
    void aGuestThatResetsBootsAgainInTheSameProcess(Payload payload) {
        try (VmProcess vm = start(payload, "--on-reset=reboot")) {
            Await.until(
                    "five resets",
                    LIMIT,
                    () -> vm.errorLog().lines().filter(l -> l.contains("was reset")).count() >= 5);
            vm.signal(Signal.TERM).expectExit(Signal.TERM.exitCode(), LIMIT);

            assertThat(vm.errorLog().lines()).allMatch(line -> line.startsWith("vmm: "));
        }
    }

    @Test
    void aTripleFaultEndsItNevertheless() {
        try (VmProcess vm = start(Payload.END_TRIPLE_FAULT, "--on-reset=reboot")) {
            vm.expectExit(33, LIMIT);
        }
    }
}
