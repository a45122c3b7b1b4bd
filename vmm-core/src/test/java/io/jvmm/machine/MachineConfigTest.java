// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.jvmm.boot.BootEntry;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.memory.GuestMemoryMap;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

class MachineConfigTest {

    private static MachineConfig.Builder valid() {
        return MachineConfig.builder().kernel(Path.of("bzImage"));
    }

    private static String theProblemOf(MachineConfig.Builder builder) {
        ConfigException e = catchThrowableOfType(ConfigException.class, builder::build);
        assertThat(e.problems()).hasSize(1);
        assertThat(e).hasMessage(e.problems().getFirst());
        return e.problems().getFirst();
    }

    @Test
    void aKernelIsAllThatItNeeds() {
        MachineConfig config = valid().build();
        assertThat(config.name()).isEqualTo("vm");
        assertThat(config.kernel())
                .isEqualTo(new MachineConfig.KernelSource.File(Path.of("bzImage")));
        assertThat(config.initrd()).isEmpty();
        assertThat(config.commandLine()).isEqualTo("console=ttyS0 panic=-1");
        assertThat(config.memoryBytes()).isEqualTo(512L << 20);
        assertThat(config.cpus()).isEqualTo(1);
        assertThat(config.bootEntry()).isEqualTo(BootEntry.AUTO);
        assertThat(config.memoryBacking()).isEqualTo(MemoryBacking.ANONYMOUS);
        assertThat(config.console()).isEqualTo(new ConsoleTarget.Buffered());
        assertThat(config.kickSignal()).isEqualTo(Signals.SIGUSR1);
        assertThat(config.kickStrategy()).isEqualTo(KickStrategy.AUTO);
        assertThat(config.cpuAffinity()).isEmpty();
        assertThat(config.resetPolicy()).isEqualTo(ResetPolicy.END);
        assertThat(config.pausedTime()).isEqualTo(PausedTime.HIDDEN);
        assertThat(config.pager()).isEmpty();
    }

    @Test
    void hostCpusAreForAllVcpusOrForEach() {
        Set<Integer> one = Set.of(1, 3);
        assertThat(valid().cpus(3).cpuAffinity(List.of(one)).build().cpuAffinity())
                .containsExactly(one);
        assertThat(valid().cpus(2).cpuAffinity(List.of(one, Set.of(0))).build().cpuAffinity())
                .containsExactly(one, Set.of(0));
        assertThat(theProblemOf(valid().cpus(3).cpuAffinity(List.of(one, one))))
                .isEqualTo(
                        "there are 2 sets of host CPUs for 3 vCPUs: give one for all, or one for"
                                + " each");
        assertThat(theProblemOf(valid().cpuAffinity(List.of(Set.of()))))
                .isEqualTo("a set of host CPUs is empty");
        assertThat(theProblemOf(valid().cpuAffinity(List.of(Set.of(-1)))))
                .isEqualTo("a host CPU has a negative number");
    }

    @Test
    void holdsWhatItWasGiven() {
        MachineConfig config =
                valid().name("other")
                        .initrd(Path.of("initrd"))
                        .commandLine("quiet")
                        .memoryBytes(64L << 20)
                        .cpus(3)
                        .bootEntry(BootEntry.ELF64)
                        .memoryBacking(MemoryBacking.MEMFD)
                        .console(new ConsoleTarget.None())
                        .kickSignal(40)
                        .build();
        assertThat(config.name()).isEqualTo("other");
        assertThat(config.initrd()).contains(Path.of("initrd"));
        assertThat(config.commandLine()).isEqualTo("quiet");
        assertThat(config.memoryBytes()).isEqualTo(64L << 20);
        assertThat(config.cpus()).isEqualTo(3);
        assertThat(config.bootEntry()).isEqualTo(BootEntry.ELF64);
        assertThat(config.memoryBacking()).isEqualTo(MemoryBacking.MEMFD);
        assertThat(config.console()).isEqualTo(new ConsoleTarget.None());
        assertThat(config.kickSignal()).isEqualTo(40);
    }

    @Test
    void everyProblemIsNamedAtOnce() {
        MachineConfig.Builder builder =
                MachineConfig.builder()
                        .name(" ")
                        .cpus(0)
                        .memoryBytes(1)
                        .commandLine("a\0b")
                        .kickSignal(65);
        ConfigException e = catchThrowableOfType(ConfigException.class, builder::build);
        assertThat(e.problems())
                .containsExactly(
                        "the machine's name is empty",
                        "a machine has 1 to 254 vCPUs, not 0",
                        "Guest memory of 1 bytes is too small; the least is 16 MiB",
                        "the command line holds a zero byte, which would end it",
                        "there is no signal 65",
                        "a kernel is missing");
        assertThat(e).hasMessage(String.join("; ", e.problems()));
        assertThatThrownBy(() -> e.problems().add("more"))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 64, MachineConfig.MAX_CPUS})
    void vcpusWithinTheLimits(int cpus) {
        assertThat(valid().cpus(cpus).build().cpus()).isEqualTo(cpus);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, MachineConfig.MAX_CPUS + 1, Integer.MAX_VALUE})
    void vcpusBeyondTheLimits(int cpus) {
        assertThat(theProblemOf(valid().cpus(cpus)))
                .isEqualTo("a machine has 1 to 254 vCPUs, not " + cpus);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                GuestMemoryMap.MIN_BYTES,
                GuestMemoryMap.MIN_BYTES + 4096,
                3L << 30,
                6L << 30,
                GuestMemoryMap.MAX_BYTES
            })
    void memoryWithinTheLimits(long bytes) {
        assertThat(valid().memoryBytes(bytes).build().memoryBytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                Long.MIN_VALUE,
                0,
                GuestMemoryMap.MIN_BYTES - 4096,
                GuestMemoryMap.MIN_BYTES + 1,
                GuestMemoryMap.MAX_BYTES + 4096,
                Long.MAX_VALUE
            })
    void memoryBeyondTheLimits(long bytes) {
        assertThat(theProblemOf(valid().memoryBytes(bytes))).contains("Guest memory of");
    }

    @Test
    void commandLinesAreTheKernelsBusiness() {
        for (String line : List.of("", "root=/dev/größe", "one\ntwo\t\u0001")) {
            assertThat(valid().commandLine(line).build().commandLine()).isEqualTo(line);
        }
        assertThat(theProblemOf(valid().commandLine("a\0b"))).contains("zero byte");
    }

    @Test
    void signalsThatKick() {
        assertThat(valid().kickSignal(1).build().kickSignal()).isEqualTo(1);
        assertThat(valid().kickSignal(64).build().kickSignal()).isEqualTo(64);
        assertThat(theProblemOf(valid().kickSignal(0))).isEqualTo("there is no signal 0");
        assertThat(theProblemOf(valid().kickSignal(65))).isEqualTo("there is no signal 65");
        assertThat(theProblemOf(valid().kickSignal(9))).isEqualTo("signal 9 cannot be handled");
        assertThat(theProblemOf(valid().kickSignal(19))).isEqualTo("signal 19 cannot be handled");
    }

    @Test
    void aConfigurationDoesNotChangeWithItsBuilder() {
        MachineConfig.Builder builder = valid().cpus(2);
        MachineConfig first = builder.build();
        MachineConfig second = builder.cpus(3).name("second").build();
        assertThat(first.cpus()).isEqualTo(2);
        assertThat(first.name()).isEqualTo("vm");
        assertThat(second.cpus()).isEqualTo(3);
    }

    @Test
    void aConfigurationDoesNotChangeWithTheBytesItWasGiven() {
        byte[] bytes = {1, 2, 3};
        MachineConfig config = MachineConfig.builder().kernel("bytes", bytes).build();
        bytes[0] = 9;
        assertThat(config.kernel())
                .isInstanceOfSatisfying(
                        MachineConfig.KernelSource.Bytes.class,
                        kernel -> {
                            assertThat(kernel.name()).isEqualTo("bytes");
                            assertThat(kernel.content().toArray(ValueLayout.JAVA_BYTE))
                                    .containsExactly(1, 2, 3);
                        });
    }
}
