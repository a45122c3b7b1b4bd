// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.library;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.ffi.testing.MeasuresProcess;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.lab.LabTests;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryBacking;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Machines come and go in one process, and leave nothing behind. */
@RequiresKvm
@Tag(LabTests.HOST)
@MeasuresProcess
@Order(Integer.MAX_VALUE - 1)
@Timeout(300)
class ManyMachinesTest {

    private static final int SIGUSR1 = 10;

    /** Machines until everything that is made once has been made. */
    private static final int WARM_UP = 20;

    private static final int ALL = 100;
    private static final int AT_A_TIME = 8;

    /** The Java heap grows and compiled code comes; 80 machines of 16 MiB would be 1.3 GB. */
    private static final long RESIDENT_SLACK = 96L << 20;

    /** The virtual machine maps and starts something of its own now and then. */
    private static final int JVM_SLACK = 12;

    @Test
    void oneAfterTheOther() throws Exception {
        assertThat(Footprint.handles(SIGUSR1)).isFalse();
        for (int i = 0; i < WARM_UP; i++) {
            runOne(i);
        }
        Footprint before = settled();
        for (int i = WARM_UP; i < ALL; i++) {
            runOne(i);
        }
        assertNothingGrew(before, settled());
    }

    @Test
    void severalAtATime() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(AT_A_TIME)) {
            runAll(threads, 0, WARM_UP);
            Footprint before = settled();
            runAll(threads, WARM_UP, ALL);
            assertNothingGrew(before, settled());
        }
    }

    private static void runAll(ExecutorService threads, int from, int to) throws Exception {
        Stream<Callable<Void>> machines =
                IntStream.range(from, to)
                        .mapToObj(i ->
                                () -> {
                                    runOne(i);
                                    return null;
                                });
        for (Future<Void> machine : threads.invokeAll(machines.toList())) {
            machine.get();
        }
    }

    /** Three sorts in turn: one that ends by itself, one that is stopped, one that never starts. */
    private static void runOne(int number) throws InterruptedException {
        switch (number % 3) {
            case 0 -> {
                ByteArrayOutputStream console = new ByteArrayOutputStream();
                try (Machine machine =
                        Machine.create(
                                config(Payload.HELLO)
                                        .cpus(2)
                                        .console(new ConsoleTarget.ToStream(console))
                                        .build())) {
                    machine.start();
                    assertThat(machine.await()).isEqualTo(new MachineExit.PowerOff());
                }
                assertThat(console.toString(US_ASCII)).contains("Powering off.");
            }
            case 1 -> {
                try (Machine machine =
                        Machine.create(
                                config(Payload.RING3_SPIN)
                                        .memoryBacking(MemoryBacking.MEMFD)
                                        .build())) {
                    machine.start();
                    machine.stop();
                    assertThat(machine.await()).isEqualTo(new MachineExit.Stopped());
                }
            }
            default -> Machine.create(config(Payload.HELLO).build()).close();
        }
    }

    private static MachineConfig.Builder config(Payload payload) {
        return MachineConfig.builder().kernel(payload.id(), payload.bytes()).memoryBytes(16 << 20);
    }

    /** Garbage holds on to nothing of a machine, but is memory. */
    private static Footprint settled() {
        System.gc();
        return Footprint.now();
    }

    private static void assertNothingGrew(Footprint before, Footprint after) throws Exception {
        assertThat(after.vcpuPages()).isZero();
        assertThat(after.descriptors()).isLessThanOrEqualTo(before.descriptors());
        assertThat(after.threads()).isLessThanOrEqualTo(before.threads() + JVM_SLACK);
        assertThat(after.mappings()).isLessThanOrEqualTo(before.mappings() + JVM_SLACK);
        assertThat(after.residentBytes())
                .isLessThanOrEqualTo(before.residentBytes() + RESIDENT_SLACK);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("vm-"));
        assertThat(Footprint.handles(SIGUSR1)).isFalse();
    }
}
