// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.host.FaultModes;
import io.jvmm.it.lab.LabTests;
import io.jvmm.paging.FaultMode;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** That the benchmark runs; how fast it is, is not for a test to say. */
@RequiresKvm
@RequiresUserfaultfd
@Tag(LabTests.HOST)
@Timeout(300)
class MemoryFaultsBenchTest {

    @Test
    void eachModeIsComparedOrRefusedWithItsReason() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            MemoryFaultsBench.run(out, "1", "64");
        }
        String told = printed.toString(StandardCharsets.UTF_8);
        assertThat(told)
                .containsPattern("vCPUs +blocking +blocking-in-c")
                .containsPattern("\n8 +\\d+ +\\d+")
                .contains("RATIO memory-faults.blocking-scaling-8 ")
                .contains("RATIO memory-faults.blocking-to-c-2 ")
                .contains("RATIO memory-faults.blocking-one-reader-to-blocking-4 ");
        try (Kvm kvm = Kvm.open()) {
            for (FaultMode mode : FaultMode.values()) {
                Optional<String> refusal = FaultModes.refusal(kvm, mode);
                if (refusal.isPresent()) {
                    assertThat(told)
                            .contains(mode.label() + ": not on this host: " + refusal.get());
                    assertThat(told).doesNotContain("RATIO memory-faults." + mode.label());
                } else {
                    assertThat(told).contains("RATIO memory-faults." + mode.label() + "-scaling-8");
                }
            }
            Optional<String> lacking = new GuestMemfdWay(64).refusal(kvm);
            assertThat(told)
                    .contains(lacking.orElse("RATIO memory-faults.guest-memfd-to-blocking-1 "));
        }
    }
}
