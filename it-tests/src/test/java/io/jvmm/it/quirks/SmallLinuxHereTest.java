// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.host.HostQuirks;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.TimeUnit;

/**
 * A user types {@code vmm --kernel} and gets a Linux shell, on hosts that interpret ring 0 too; and
 * is told why it takes so long, there and only there.
 */
@RequiresKvm
@Tag("linux-here")
@Tag(LabTests.HOST)
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class SmallLinuxHereTest {

    /** Outside the time of a test, since it may have to build the kernel. */
    @BeforeAll
    @Timeout(value = 70, unit = TimeUnit.MINUTES)
    static void fetch() {
        assertThat(SmallGuest.kernel()).isRegularFile();
        assertThat(SmallGuest.initramfs()).isRegularFile();
    }

    @ParameterizedTest(name = "{0} CPUs")
    @ValueSource(ints = {1, 2})
    void bootsToAShellWhoseCommandsWorkAndPowersOff(int cpus) {
        long begin = System.nanoTime();
        try (VmProcess vm =
                VmProcess.start(SmallGuest.arguments("--cpus", Integer.toString(cpus)))) {
            vm.waitForText(LinuxGuest.READY, SmallGuest.BOOT);
            vm.waitForText(" " + cpus + " CPUs", SmallGuest.ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, SmallGuest.ANSWER);
            log("shell with " + cpus + " CPUs", begin);
            // the sum is not in what is typed, so the echo cannot be taken for the answer
            vm.send("echo answer=$((40 + 2)); grep -c ^processor /proc/cpuinfo");
            vm.waitForText("answer=42", SmallGuest.ANSWER);
            vm.waitForText("\n" + cpus, SmallGuest.ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, SmallGuest.ANSWER);
            vm.send("dd if=/dev/zero bs=1k count=64 2>/dev/null | sha256sum");
            vm.waitForText(Zeros.digest(64), SmallGuest.ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, SmallGuest.ANSWER);
            vm.send("poweroff -f");
            vm.expectExit(0, SmallGuest.ANSWER);
            log("powered off", begin);
            assertThat(vm.serialLog()).doesNotContain(SmallGuest.COMPLAINTS);
            assertThatTheUserIsToldWhatIsDone(vm);
        }
    }

    private static void assertThatTheUserIsToldWhatIsDone(VmProcess vm) {
        HostQuirks quirks = SmallGuest.quirks();
        if (quirks.isEmpty()) {
            assertThat(vm.errorLog()).doesNotContain("interprets");
            assertThat(vm.serialLog()).doesNotContain("clearcpuid");
        } else {
            assertThat(vm.errorLog())
                    .contains("this host interprets the guest's kernel")
                    .contains(quirks.commandLine());
            assertThat(vm.serialLog()).contains(quirks.commandLine() + " console=ttyS0");
        }
    }

    private static void log(String what, long begin) {
        System.getLogger(SmallLinuxHereTest.class.getName())
                .log(
                        System.Logger.Level.INFO,
                        "{0} after {1} s",
                        what,
                        (System.nanoTime() - begin) / 1_000_000_000);
    }
}
