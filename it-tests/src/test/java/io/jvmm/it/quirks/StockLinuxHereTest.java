// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Debian's stock kernels come to a shell on this host too, whatever its KVM is like. Where ring 0
 * is interpreted that takes many minutes, so {@code -Djvmm.slow=on} asks for it.
 */
@RequiresKvm
@Tag("linux-here")
@Tag(LabTests.HOST)
@Tag("slow")
@EnabledIfSystemProperty(
        named = "jvmm.slow",
        matches = "on",
        disabledReason = "takes many minutes; -Djvmm.slow=on runs it")
@Timeout(value = 3, unit = TimeUnit.HOURS)
class StockLinuxHereTest {

    /** A kernel that was made for processors and not for interpreters, on a busy machine. */
    private static final Duration BOOT = Duration.ofMinutes(90);

    private static final Duration ANSWER = Duration.ofMinutes(20);

    private static final LinuxImages IMAGES = LinuxImages.locate();

    @ParameterizedTest
    @ValueSource(strings = {"6.1", "6.12"})
    void bootsToAShellAndPowersOff(String version) {
        List<String> arguments =
                List.of(
                        "--kernel",
                        IMAGES.kernel(DebianKernel.Line.ofVersion(version)).toString(),
                        "--initrd",
                        SmallGuest.initramfs().toString(),
                        "--memory",
                        "256M",
                        "--append",
                        SmallGuest.SLOW_CLOCK);
        long begin = System.nanoTime();
        try (VmProcess vm = VmProcess.start(arguments)) {
            vm.waitForText(LinuxGuest.READY, BOOT);
            vm.waitForText("Linux " + version + ".", ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, ANSWER);
            System.getLogger(getClass().getName())
                    .log(
                            System.Logger.Level.INFO,
                            "Debian {0}: shell after {1} s",
                            version,
                            (System.nanoTime() - begin) / 1_000_000_000);
            // the sum is not in what is typed, so the echo cannot be taken for the answer
            vm.send("echo answer=$((40 + 2))");
            vm.waitForText("answer=42", ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, ANSWER);
            vm.send("poweroff -f");
            vm.expectExit(0, ANSWER);
            assertThat(vm.serialLog()).doesNotContain("Oops", "Kernel panic");
        }
    }
}
