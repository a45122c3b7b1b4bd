package io.jvmm.it.linux;

import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each way in which a Linux guest ends, but for the power-off, has an exit code of its own. */
@RequiresHardwareKvm
class LinuxEndTest {

    private static final int RESET = 32;
    private static final int TRIPLE_FAULT = 33;
    private static final int GUEST_PANIC = 34;

    @Test
    void aReboot() {
        endsWith("reboot -f", "quiet panic=-1", RESET);
    }

    @Test
    void aTripleFault() {
        // Linux's own way to force a reset when nothing else works: an interrupt without an IDT
        endsWith("reboot -f", "quiet panic=-1 reboot=triple", TRIPLE_FAULT);
    }

    @Test
    void aPanic() {
        endsWith("echo c > /proc/sysrq-trigger", "quiet panic=-1", GUEST_PANIC);
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void aSignalToTheMonitor(VmProcess.Signal signal, int exitCode) {
        try (VmProcess vm = LinuxVm.bootSmall(2, "elf64", "quiet panic=-1")) {
            vm.waitForText(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            vm.signal(signal).expectExit(exitCode, LinuxVm.ANSWER);
        }
    }

    private static void endsWith(String typed, String append, int exitCode) {
        try (VmProcess vm = LinuxVm.boot("6.12", 1, "elf64", append)) {
            vm.waitForText(LinuxGuest.PROMPT, LinuxVm.ANSWER).send(typed);
            vm.expectExit(exitCode, LinuxVm.ANSWER);
        }
    }
}
