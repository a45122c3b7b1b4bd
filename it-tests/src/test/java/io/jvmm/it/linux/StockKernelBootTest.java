package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Debian's stock kernels boot to a shell, obey what is typed, and power the machine off. */
@RequiresHardwareKvm
class StockKernelBootTest {

    @ParameterizedTest(name = "{0}, {1} CPUs, entry {2}")
    @MethodSource("machines")
    void bootsToAShellAndPowersOff(String version, int cpus, String entry) {
        try (VmProcess vm = LinuxVm.boot(version, cpus, entry, "quiet panic=-1")) {
            vm.waitForText("Linux " + version + ".", LinuxVm.ANSWER);
            vm.waitForText(" " + cpus + " CPUs", LinuxVm.ANSWER);
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

    static Stream<Arguments> machines() {
        List<Arguments> machines = new ArrayList<>();
        for (DebianKernel.Line line : DebianKernel.Line.values()) {
            machines.add(Arguments.of(line.version(), 1, "elf64"));
            machines.add(Arguments.of(line.version(), 2, "elf64"));
            // its own unpacker runs on the first CPU, before there are others
            machines.add(Arguments.of(line.version(), 1, "bzimage64"));
        }
        return machines.stream();
    }
}
