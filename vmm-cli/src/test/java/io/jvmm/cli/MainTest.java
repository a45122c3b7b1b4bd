// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

/** What the command says before it comes to run anything. */
class MainTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--memory 512      | '--memory'     | '512'     | write 512M for MiB",
                "--memory much     | '--memory'     | 'much'    | write it as 512M or 4G",
                "-m -1M            | '--memory'     | '-1M'     | write it as 512M or 4G",
                "--memory 9999999T | '--memory'     | 9999999T  | more than any machine has",
                "--memory 0M       | memory         | 0 bytes   | the least is 16 MiB",
                "--memory 8M       | memory         | 8388608   | the least is 16 MiB",
                "--memory 16385K   | memory         | 16778240  | 4 KiB pages",
                "--memory 4096T    | memory         | 4294967296 MiB | the most is",
                "--cpus 0          | '--cpus'       | '0'       | from 1 to 254",
                "--cpus 255        | '--cpus'       | '255'     | from 1 to 254",
                "-c -3             | '--cpus'       | '-3'      | from 1 to 254",
                "--cpus two        | '--cpus'       | 'two'     | from 1 to 254",
                "--cpus 9999999999 | '--cpus'       | '9999999999' | from 1 to 254",
                "--serial tty      | '--serial'     | 'tty'     | stdio, file:PATH and none",
                "-s file:          | '--serial'     | 'file:'   | stdio, file:PATH and none",
                "--boot-entry uefi | '--boot-entry' | 'uefi'    | bzimage64, bzimage32, pvh",
                "--on-reset halt   | '--on-reset'   | 'halt'    | neither exit nor reboot",
                "--graceful=soon   | '--graceful'   | 'soon'    | seconds from 0 to 86400",
                "--graceful=86401  | '--graceful'   | '86401'   | seconds from 0 to 86400",
                "--kick-strategy x | '--kick-strategy' | 'x'    | auto, immediate-exit,"
                        + " signal-mask",
                "--kick-signal 65  | '--kick-signal' | '65'     | USR1, USR2, RTMIN+N or a number",
                "--kick-signal HUB | '--kick-signal' | 'HUB'    | USR1, USR2, RTMIN+N or a number",
                "--kick-signal 9   | signal         | 9         | cannot be handled",
                "--cpu-affinity 3-1 | '--cpu-affinity' | '3-1'  | no set of CPUs",
                "--cpu-affinity 0, | '--cpu-affinity' | '0,'    | no set of CPUs",
                "--cpu-scheduling deadline | '--cpu-scheduling' | 'deadline' | no policy",
                "--cpu-scheduling fifo  | '--cpu-scheduling' | 'fifo' | no policy",
                "--cpu-scheduling rr:100 | '--cpu-scheduling' | 'rr:100' | 1 to 99",
                "--cpu-affinity 0:1 | 2 sets        | 1 vCPUs   | one for each",
                "--host-quirks on  | '--host-quirks' | 'on'     | neither auto nor off",
                "--kernel          | '--kernel'     | FILE      | Missing required parameter",
                "--initrd          | '--initrd'     | FILE      | Missing required parameter",
                "--append          | '--append'     | TEXT      | Missing required parameter",
                "--cpus 1 --cpus 2 | '--cpus'       | N         | only once",
                "--colour          | --colour       | --colour  | Unknown option",
                "--mem 1G          | --mem          | did you mean | --memory",
                "--cmdline a --append b | --cmdline | --append  | mutually exclusive",
                "--initrd=         | '--initrd'     | name      | is empty",
                "--memory 0.3K     | '--memory'     | '0.3K'    | whole number of bytes",
                "--kernel caf\uFFFD | '--kernel'  | caf       | UTF-8",
                "vmlinuz           | vmlinuz        | vmlinuz   | Unmatched argument",
                "--verbose --quiet | --verbose      | --quiet   | mutually exclusive"
            })
    void aWrongValueIsNamedWithItsOptionAndTheRemedy(
            String args, String option, String value, String remedy) {
        CommandRun run = CommandRun.of(args.split(" ", -1));

        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.out()).isEmpty();
        assertThat(run.errLines()).hasSizeBetween(1, 2).allMatch(l -> l.startsWith("vmm: "));
        assertThat(run.errLines().getFirst()).contains(option, value, remedy);
    }

    @Test
    void allThatIsWrongWithTheMachineIsSaidAtOnce() {
        CommandRun run = CommandRun.of("--memory", "1M", "--append", "na\0ve");

        assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(run.errLines())
                .hasSize(2)
                .anyMatch(line -> line.contains("1048576"))
                .anyMatch(line -> line.contains("zero byte"));
    }

    @Test
    void helpNamesEveryOptionOnStandardOutput() {
        CommandRun run = CommandRun.of("--help");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out())
                .contains(
                        List.of(
                                "--kernel",
                                "--initrd",
                                "--append",
                                "--memory",
                                "--cpus",
                                "--serial",
                                "--boot-entry",
                                "--on-reset",
                                "--graceful",
                                "--kick-strategy",
                                "--kick-signal",
                                "--cpu-affinity",
                                "--cpu-scheduling",
                                "--host-quirks",
                                "--verbose",
                                "--quiet",
                                "--version",
                                "--help",
                                "generate-completion",
                                "512M",
                                "bzimage32",
                                "Exit codes"))
                .doesNotContain("${");
        assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
    }

    @Test
    void versionNamesTheProductAndTheRuntime() {
        CommandRun run = CommandRun.of("--version");

        assertThat(run.exitCode()).isZero();
        assertThat(run.err()).isEmpty();
        assertThat(run.out()).startsWith("vmm ").contains("Java " + Runtime.version());
    }
}
