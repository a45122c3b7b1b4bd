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
import java.util.List;

/** That the benchmark runs; how fast it is, is not for a test to say. */
@RequiresKvm
@RequiresUserfaultfd
@Tag(LabTests.HOST)
@Timeout(300)
class PagingBenchTest {

    @Test
    void bothSidesRunTheSameGuestsAndAreCompared() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            PagingBench.run(out, "16", "1", "1024");
        }
        List<String> ratios =
                printed.toString(StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.startsWith("RATIO "))
                        .map(line -> line.substring("RATIO ".length(), line.lastIndexOf(' ')))
                        .toList();
        assertThat(ratios)
                .contains(
                        "paging.copy-1",
                        "paging.copy-8-one-reader",
                        "paging.copy-1-bare-loop",
                        "paging.continue-4",
                        "paging.continue-8-bare-loop",
                        "paging.prefetch-1-to-single",
                        "paging.fill-to-pread-copy",
                        "paging.fill-to-mapped-copy")
                .hasSize(28);
    }
}
