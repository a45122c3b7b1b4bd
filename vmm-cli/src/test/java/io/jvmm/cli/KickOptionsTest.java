// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.machine.CpuScheduling;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

class KickOptionsTest {

    @ParameterizedTest
    @CsvSource({
        "USR1, 10",
        "usr2, 12",
        "SIGUSR2, 12",
        "RTMIN, 34",
        "SIGRTMIN+30, 64",
        "rtmin+1, 35",
        "12, 12",
        "64, 64"
    })
    void signalsHaveNamesAndNumbers(String text, int signal) {
        assertThat(new SignalConverter().convert(text)).isEqualTo(signal);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0           | 0",
                "0,2         | 0 2",
                "0-3,8       | 0 1 2 3 8",
                "1-1         | 1",
                "0:1         | 0/1",
                "0-1:2-3,7:4 | 0 1/2 3 7/4"
            })
    void cpusAreListedForAllOrForEach(String text, String sets) {
        List<Set<Integer>> expected =
                Arrays.stream(sets.split("/", -1))
                        .map(set ->
                                Arrays.stream(set.split(" ", -1))
                                        .map(Integer::valueOf)
                                        .collect(Collectors.toSet()))
                        .toList();
        assertThat(new CpuSetsConverter().convert(text).sets()).isEqualTo(expected);
    }

    static Stream<Arguments> policies() {
        return Stream.of(
                Arguments.of("normal", CpuScheduling.normal(0)),
                Arguments.of("normal:-20", CpuScheduling.normal(-20)),
                Arguments.of("batch", CpuScheduling.batch(0)),
                Arguments.of("batch:19", CpuScheduling.batch(19)),
                Arguments.of("idle", CpuScheduling.idle()),
                Arguments.of("fifo:1", CpuScheduling.fifo(1)),
                Arguments.of("rr:99", CpuScheduling.roundRobin(99)));
    }

    @ParameterizedTest
    @MethodSource("policies")
    void policiesHaveTheirLevelBehindAColon(String text, CpuScheduling scheduling) {
        assertThat(new SchedulingConverter().convert(text)).isEqualTo(scheduling);
    }

    @Test
    @RequiresKvm
    @Timeout(60)
    void aMachineRunsWithAllOfThem() {
        CommandRun run =
                CommandRun.of(
                        "--serial=none",
                        "--cpus=2",
                        "--kick-strategy=signal-mask",
                        "--kick-signal=RTMIN+3",
                        "--cpu-affinity=0:0",
                        "--cpu-scheduling=batch:1");
        assertThat(run.exitCode()).as(run.err()).isZero();
    }

    @Test
    @RequiresKvm
    @Timeout(60)
    void aCpuThatTheHostDoesNotHaveIsNamed() {
        CommandRun run = CommandRun.of("--serial=none", "--cpu-affinity=9999");
        assertThat(run.exitCode()).isEqualTo(ExitCode.HOST);
        assertThat(run.err()).startsWith("vmm: ").contains("vCPU 0", "9999");
    }
}
