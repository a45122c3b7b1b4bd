// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.library;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.lab.LabTests;
import io.jvmm.machine.ExitStatistics;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;

/**
 * A thread inside the guest is at a safepoint all the time: the Java virtual machine collects
 * garbage without waiting for it and without getting it out.
 */
@RequiresKvm
@Tag(LabTests.HOST)
class GarbageCollectionTest {

    private static final int COLLECTIONS = 20;

    @ParameterizedTest
    @Timeout(60)
    @EnumSource(
            value = Payload.class,
            names = {"RING0_SPIN", "RING3_SPIN", "RING0_HLT"})
    void doesNotWaitForAGuest(Payload payload) throws Exception {
        MachineConfig config =
                MachineConfig.builder()
                        .kernel(payload.id(), payload.bytes())
                        .memoryBytes(16 << 20)
                        .build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            // Its one word, and then it stays inside for ever.
            while (machine.exitStatistics().getFirst().port() < 1) {
                assertThat(machine.await(Duration.ofMillis(1))).isEmpty();
            }
            ExitStatistics before = machine.exitStatistics().getFirst();
            for (int i = 0; i < COLLECTIONS; i++) {
                System.gc();
            }
            assertThat(machine.exitStatistics().getFirst()).isEqualTo(before);
            assertThat(machine.await(Duration.ZERO)).isEmpty();
        }
    }
}
