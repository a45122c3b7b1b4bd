// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.it.framework.HardwareKvm;
import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.List;

/**
 * {@code vmm host} on the machine at hand: in the lab there is nothing to do, and so nothing is
 * done; where the processor does not virtualise, there is.
 */
@RequiresKvm
@Timeout(600)
class HostCommandTest {

    /** A minute is ample; in the lab, a Java process takes seconds to start. */
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @Test
    void theTableTellsEveryTopic() {
        String table = output("host", "--fresh");

        System.getLogger(getClass().getName()).log(System.Logger.Level.INFO, "\n{0}", table);
        assertThat(table.lines().map(line -> line.split("  ", 2)[0]))
                .contains("ring 0", "CPUID", "instructions", "paging", "userfaultfd", "kick");
        boolean native0 = table.lines().anyMatch(line -> line.matches("ring 0 +native *"));
        boolean complete = table.lines().anyMatch(line -> line.contains("all tried work"));
        assertThat(List.of(native0, complete))
                .as("a processor that virtualises runs ring 0 itself, all of it")
                .containsOnly(HardwareKvm.isHere());
    }

    @Test
    void thereIsSomethingToDoWhereTheProcessorDoesNotVirtualiseAndOnlyThere() {
        String json = output("host", "--json");

        boolean here = HardwareKvm.isHere();
        assertThat(json)
                .contains("\"interpretsRing0\": " + !here)
                .contains("\"completeInstructions\": " + !here)
                .contains(here ? "\"commandLine\": \"\"" : "\"commandLine\": \"noxsave ");
    }

    private static String output(String... arguments) {
        try (VmProcess command = VmProcess.start(arguments)) {
            command.expectExit(0, LIMIT);
            return command.serialLog();
        }
    }
}
