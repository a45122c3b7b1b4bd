// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.BootEntry;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.machine.MachineExit;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.List;

/**
 * Debian's stock kernels boot to a shell, obey what is typed, and power the machine off. Each
 * kernel, each entry and each number of CPUs has its turn; {@code ./vmm test --full} takes all of
 * their combinations.
 */
@RequiresHardwareKvm
class StockKernelBootTest {

    @ParameterizedTest(name = "{0}, {1} CPUs, entry {2}")
    @MethodSource("machines")
    void bootsToAShellAndPowersOff(String version, int cpus, BootEntry entry) throws Exception {
        try (LinuxMachine vm = LinuxMachine.boot(version, cpus, entry, "quiet panic=-1")) {
            // the sum is not in what is typed, so the echo cannot be taken for the answer
            vm.type("echo answer=$((40 + 2)); grep -c ^processor /proc/cpuinfo");
            vm.log().await("answer=42", LinuxVm.ANSWER);
            vm.log().await("\n" + cpus, LinuxVm.ANSWER);
            vm.log().await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            vm.type("poweroff -f");
            assertThat(vm.end()).isEqualTo(new MachineExit.PowerOff());
            vm.assertNoComplaint();
        }
    }

    static List<Arguments> machines() {
        if (!Repetitions.isFull()) {
            return List.of(
                    // its own unpacker runs on the first CPU, before there are others
                    Arguments.of("6.1", 1, BootEntry.BZIMAGE64),
                    Arguments.of("6.12", 2, BootEntry.ELF64),
                    Arguments.of("7.2", 1, BootEntry.ELF64));
        }
        List<Arguments> machines = new ArrayList<>();
        for (DebianKernel.Line line : DebianKernel.Line.values()) {
            for (BootEntry entry : List.of(BootEntry.ELF64, BootEntry.BZIMAGE64)) {
                machines.add(Arguments.of(line.version(), 1, entry));
                machines.add(Arguments.of(line.version(), 2, entry));
            }
        }
        return List.copyOf(machines);
    }
}
