// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** That the benchmark runs; how fast it is, is not for a test to say. */
@RequiresKvm
@RequiresUserfaultfd
@Tag(LabTests.HOST)
@Timeout(300)
class KicksBenchTest {

    @Test
    void everyGuestIsKickedByBothSidesAndCompared() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            KicksBench.run(out, "1", "10");
        }
        assertThat(printed.toString(StandardCharsets.UTF_8).lines())
                .filteredOn(line -> line.startsWith("RATIO "))
                .extracting(line -> line.substring("RATIO ".length(), line.lastIndexOf(' ')))
                .containsExactly(
                        "kicks.spinning",
                        "kicks.halted",
                        "kicks.missing-page",
                        "entries.port-exit-and-entry",
                        "entries.entry-turned-back");
    }
}
