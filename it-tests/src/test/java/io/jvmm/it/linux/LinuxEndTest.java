// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.BootEntry;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.machine.MachineExit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;

/**
 * Each way in which a Linux guest ends, but for the power-off, is told from the others. Which exit
 * code the command has for each is tested with guests that are up sooner.
 */
@RequiresHardwareKvm
class LinuxEndTest {

    @Test
    void aReboot() throws Exception {
        assertThat(endAfter("reboot -f", "quiet panic=-1")).isInstanceOf(MachineExit.Reset.class);
    }

    @Test
    void aTripleFault() throws Exception {
        // Linux's own way to force a reset when nothing else works: an interrupt without an IDT
        assertThat(endAfter("reboot -f", "quiet panic=-1 reboot=triple"))
                .isEqualTo(new MachineExit.TripleFault(0));
    }

    @Test
    void aPanic() throws Exception {
        assertThat(endAfter("echo c > /proc/sysrq-trigger", "quiet panic=-1"))
                .isEqualTo(new MachineExit.GuestPanic());
    }

    @ParameterizedTest
    @MethodSource("signals")
    void aSignalToTheMonitor(VmProcess.Signal signal) {
        try (VmProcess vm = LinuxVm.bootSmall(2, "elf64", "quiet panic=-1")) {
            vm.waitForText(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            vm.signal(signal).expectExit(signal.exitCode(), LinuxVm.ANSWER);
        }
    }

    static List<VmProcess.Signal> signals() {
        return Repetitions.isFull()
                ? List.of(VmProcess.Signal.INT, VmProcess.Signal.TERM)
                : List.of(VmProcess.Signal.INT);
    }

    private static MachineExit endAfter(String typed, String append) throws Exception {
        try (LinuxMachine vm = LinuxMachine.boot("6.12", 1, BootEntry.ELF64, append)) {
            vm.type(typed);
            return vm.end();
        }
    }
}
