// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.machine.MachineExit;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class ExitCodeTest {

    @Test
    void everyEndHasItsCode() {
        assertThat(ExitCode.of(new MachineExit.PowerOff())).isZero();
        assertThat(ExitCode.of(new MachineExit.Stopped())).isZero();
        assertThat(ExitCode.of(new MachineExit.Failed("why", "", null))).isEqualTo(1);
        assertThat(ExitCode.of(new MachineExit.Reset("i8042"))).isEqualTo(32);
        assertThat(ExitCode.of(new MachineExit.TripleFault(3))).isEqualTo(33);
        assertThat(ExitCode.of(new MachineExit.GuestPanic())).isEqualTo(34);
    }

    @Test
    void theTableForUsersHasTheSameCodes() throws IOException {
        Path table = Path.of(System.getProperty("jvmm.root", ".."), "docs", "exit-codes.md");
        String rows =
                Files.readAllLines(table).stream()
                        .filter(line -> line.matches("\\| [0-9].*"))
                        .map(line -> line.substring(0, line.indexOf('|', 1)))
                        .collect(Collectors.joining());
        TreeSet<Integer> documented =
                Pattern.compile("[0-9]+")
                        .matcher(rows)
                        .results()
                        .map(number -> Integer.valueOf(number.group()))
                        .collect(Collectors.toCollection(TreeSet::new));
        IntStream signals = IntStream.of(1, 2, 15).map(signal -> ExitCode.SIGNAL + signal);
        assertThat(documented)
                .containsExactlyElementsOf(
                        IntStream.concat(
                                        IntStream.of(
                                                ExitCode.OK,
                                                ExitCode.FAILED,
                                                ExitCode.USAGE,
                                                ExitCode.BAD_IMAGE,
                                                ExitCode.HOST,
                                                ExitCode.OUTPUT_LOST,
                                                ExitCode.RESET,
                                                ExitCode.TRIPLE_FAULT,
                                                ExitCode.GUEST_PANIC),
                                        signals)
                                .boxed()
                                .toList());
    }
}
