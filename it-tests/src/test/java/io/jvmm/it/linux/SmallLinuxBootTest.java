// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The small Linux boots to a shell with all its CPUs and powers the machine off. */
@RequiresHardwareKvm
class SmallLinuxBootTest {

    @ParameterizedTest(name = "{0} CPUs, entry {1}")
    @CsvSource({"2, elf64", "1, bzimage64"})
    void bootsToAShellAndPowersOff(int cpus, String entry) {
        try (VmProcess vm = LinuxVm.bootSmall(cpus, entry, "quiet panic=-1")) {
            vm.waitForText("-jvmm, " + cpus + " CPUs", LinuxVm.ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            // the sum is not in what is typed, so the echo cannot be taken for the answer
            vm.send("echo answer=$((40 + 2)); grep -c ^processor /proc/cpuinfo");
            vm.waitForText("answer=42", LinuxVm.ANSWER);
            vm.waitForText("\n" + cpus, LinuxVm.ANSWER);
            vm.waitForText(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            vm.send("poweroff -f");
            vm.expectExit(0, LinuxVm.ANSWER);
            assertThat(vm.serialLog()).doesNotContain("Oops", "BUG:", "WARNING:", "Call Trace");
        }
    }
}
