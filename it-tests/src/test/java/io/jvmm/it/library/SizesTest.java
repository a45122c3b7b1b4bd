// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.library;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.lab.LabTests;
import io.jvmm.machine.ConfigException;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryBacking;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The bundled guest finds the memory and the vCPUs that its machine was made with. */
@RequiresKvm
@Tag(LabTests.HOST)
@Timeout(120)
class SizesTest {

    private static final long MIB = 1 << 20;
    private static final long PAGE = 4096;

    private static MachineConfig.Builder hello() {
        return MachineConfig.builder().kernel("hello", Payload.HELLO.bytes());
    }

    private static String run(MachineConfig config) throws Exception {
        try (Machine machine = Machine.create(config)) {
            machine.start();
            String console = new String(machine.consoleOutput().readAllBytes(), US_ASCII);
            assertThat(machine.await()).as(console).isEqualTo(new MachineExit.PowerOff());
            return console;
        }
    }

    /** The third column: low memory around the area of the firmware, and above the device hole. */
    @ParameterizedTest
    @CsvSource({"16, 2", "512, 2", "3071, 2", "3072, 2", "3073, 3", "6144, 3"})
    void memory(long mebibytes, int ranges) throws Exception {
        assertThat(run(hello().memoryBytes(mebibytes * MIB).build()))
                .contains(
                        "%d MiB in %d ranges, the last page of each tried"
                                .formatted(mebibytes, ranges))
                .doesNotContain("BROKEN");
    }

    @Test
    void onePageAboveTheDeviceHole() throws Exception {
        assertThat(run(hello().memoryBytes(3072 * MIB + PAGE).build()))
                .contains("in 3 ranges, the last page of each tried")
                .doesNotContain("BROKEN");
    }

    @ParameterizedTest
    @EnumSource(MemoryBacking.class)
    void sixGibibytesOfEverySort(MemoryBacking backing) throws Exception {
        assertThat(run(hello().memoryBytes(6144 * MIB).memoryBacking(backing).build()))
                .contains("6144 MiB");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8, 32, 64})
    void vcpus(int cpus) throws Exception {
        assertThat(run(hello().cpus(cpus).build()))
                .contains("vCPUs          %d running of %d".formatted(cpus, cpus));
    }

    @Test
    void moreThanAMachineCanHave() {
        assertThatThrownBy(() -> hello().cpus(255).memoryBytes(15 * MIB).build())
                .isInstanceOf(ConfigException.class)
                .hasMessage(
                        "a machine has 1 to 254 vCPUs, not 255; Guest memory of 15728640 bytes is"
                                + " too small; the least is 16 MiB");
    }

    /** They cannot all start: the guest is stopped as soon as it runs. */
    @Test
    void asManyAsAMachineCanHave() throws Exception {
        MachineConfig config =
                MachineConfig.builder()
                        .kernel("spin", Payload.RING3_SPIN.bytes())
                        .cpus(MachineConfig.MAX_CPUS)
                        .build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            machine.stop();
            assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
            assertThat(machine.exitStatistics()).hasSize(254);
        }
    }
}
