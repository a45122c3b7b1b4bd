// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.it.framework.VmProcess;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The script that {@code vmm generate-completion} prints, in a real bash. */
class CompletionTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir private static Path folder;
    private static String script;

    @BeforeAll
    static void generate() {
        try (VmProcess vmm = VmProcess.start("generate-completion")) {
            vmm.expectExit(0, LIMIT);
            assertThat(vmm.errorLog()).isEmpty();
            script = GuestFiles.write(folder, "vmm-completion", bytes(vmm.serialLog()));
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void bashFindsNoFaultInIt() {
        try (VmProcess bash = VmProcess.launch(List.of("bash", "-n", script))) {
            bash.expectExit(0, LIMIT);
            assertThat(bash.errorLog()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "--ser, --serial",
        "--boot, --boot-entry",
        "--mem, --memory",
        "--cpus, --cpus",
        "gen, generate-completion"
    })
    void tabCompletes(String typed, String completed) {
        String press =
                """
                source "$1"
                complete -p vmm >/dev/null || exit 9
                COMP_WORDS=(vmm "$2") COMP_CWORD=1 COMP_LINE="vmm $2" COMP_POINT=${#COMP_LINE}
                function=$(complete -p vmm | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
                "$function" vmm "$2" vmm
                printf '%s\\n' "${COMPREPLY[@]}"
                """;
        try (VmProcess bash =
                VmProcess.launch(List.of("bash", "-c", press, "bash", script, typed))) {
            bash.expectExit(0, LIMIT);
            assertThat(bash.serialLog().lines()).containsExactly(completed);
        }
    }
}
