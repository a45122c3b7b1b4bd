// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

class StartupBenchTest {

    @Test
    void everyCommandIsTimedBesideAnEmptyProgram() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        try (PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
            StartupBench.run(out, "1");
        }
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .containsPattern("(?m)^version +[0-9.]+ +[0-9.]+$")
                .containsPattern("(?m)^help +[0-9.]+ +[0-9.]+$")
                .containsPattern("(?m)^empty +[0-9.]+ +[0-9.]+$")
                .containsPattern("(?m)^RATIO startup.[a-z]+-to-empty [0-9.]+$");
    }
}
