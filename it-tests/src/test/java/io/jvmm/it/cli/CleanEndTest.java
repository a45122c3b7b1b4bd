// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.lab.LabTests;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryBacking;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** A machine that is closed leaves nothing in the process, as {@code /proc} sees it. */
@RequiresKvm
@Tag(LabTests.HOST)
class CleanEndTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** So large that the mapping of a guest cannot be mistaken for one of the runtime's. */
    private static final long MEMORY = 4L << 30;

    private static final String NAME = "leaktest";

    @TempDir private static Path folder;

    private final ProcessView process = ProcessView.ofThisOne();

    @BeforeAll
    static void loadWhatStaysLoaded() {
        // Class files and libraries that the first machine opens stay open; they are no leak.
        ConsoleTarget console = new ConsoleTarget.ToFile(folder.resolve("first"));
        try (Machine machine = Machine.create(config(MemoryBacking.MEMFD, console))) {
            machine.start();
        }
    }

    private static MachineConfig config(MemoryBacking backing, ConsoleTarget console) {
        return MachineConfig.builder()
                .name(NAME)
                .kernel("spin", Payload.RING3_SPIN.bytes())
                .cpus(3)
                .memoryBytes(MEMORY)
                .memoryBacking(backing)
                .console(console)
                .build();
    }

    static Stream<Arguments> backingsAndConsoles() {
        return Arrays.stream(MemoryBacking.values())
                .flatMap(backing ->
                        Stream.of(
                                        new ConsoleTarget.Buffered(),
                                        new ConsoleTarget.ToStream(OutputStream.nullOutputStream()),
                                        new ConsoleTarget.ToFile(folder.resolve("console")),
                                        new ConsoleTarget.None())
                                .map(console -> Arguments.of(backing, console)));
    }

    @ParameterizedTest
    @MethodSource("backingsAndConsoles")
    void nothingIsLeftOfAMachineThatWasStopped(MemoryBacking backing, ConsoleTarget console)
            throws InterruptedException {
        Map<Integer, String> descriptors = process.descriptors();
        long mapped = process.mappedBytes();

        try (Machine machine = Machine.create(config(backing, console))) {
            machine.start();
            Await.until("runs", LIMIT, () -> process.processorTime(NAME + "-vcpu-0") > 0);
            assertThat(process.threads(NAME)).hasSizeGreaterThanOrEqualTo(3);
            assertThat(process.descriptors()).hasSizeGreaterThan(descriptors.size() + 3);
            assertThat(process.mappedBytes()).isGreaterThan(mapped + MEMORY - (MEMORY >> 2));
            assertThat(kvmMappings()).isEqualTo(3);

            machine.stop();
            assertThat(machine.await(LIMIT)).contains(new MachineExit.Stopped());
        }

        assertNothingLeft(descriptors, mapped);
    }

    @ParameterizedTest
    @MethodSource("backingsAndConsoles")
    void nothingIsLeftOfAMachineThatNeverRan(MemoryBacking backing, ConsoleTarget console) {
        Map<Integer, String> descriptors = process.descriptors();
        long mapped = process.mappedBytes();

        Machine.create(config(backing, console)).close();

        assertNothingLeft(descriptors, mapped);
    }

    private void assertNothingLeft(Map<Integer, String> descriptorsBefore, long mappedBefore) {
        // A thread that was joined can still be listed for a moment.
        Await.until("threads end", LIMIT, () -> process.threads(NAME).isEmpty());
        Map<Integer, String> more = new TreeMap<>(process.descriptors());
        more.keySet().removeAll(descriptorsBefore.keySet());
        assertThat(more).isEmpty();
        assertThat(kvmMappings()).isZero();
        assertThat(process.mappings()).noneMatch(line -> line.contains("jvmm"));
        assertThat(process.mappedBytes()).isLessThan(mappedBefore + (MEMORY >> 2));
    }

    /** The pages that KVM shares with the monitor, one mapping for each vCPU. */
    private long kvmMappings() {
        return process.mappings().stream().filter(line -> line.contains("kvm-vcpu")).count();
    }
}
