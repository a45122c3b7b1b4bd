// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The quick parser and picocli take the same command lines in the same way. */
class QuickParserTest {

    /** A value for each option that has one, unlike its default. */
    private static final Map<String, String> VALUES =
            Map.ofEntries(
                    Map.entry("--kernel", "bzImage"),
                    Map.entry("--initrd", "initrd.img"),
                    Map.entry("--append", "quiet"),
                    Map.entry("--cmdline", "console=hvc0"),
                    Map.entry("--memory", "3.5G"),
                    Map.entry("--cpus", "7"),
                    Map.entry("--serial", "file:log"),
                    Map.entry("--boot-entry", "pvh"),
                    Map.entry("--on-reset", "reboot"),
                    Map.entry("--kick-strategy", "signal-mask"),
                    Map.entry("--kick-signal", "RTMIN+3"),
                    Map.entry("--cpu-affinity", "0-3,8"),
                    Map.entry("--cpu-scheduling", "fifo:7"),
                    Map.entry("--host-quirks", "off"));

    /** Options that only picocli takes. */
    private static final List<String> RARE = List.of("--graceful", "--help", "--version");

    private static CommandLine picocli() {
        return FullParser.commandLine().getSubcommands().get(CommandWords.RUN);
    }

    private static String valueOf(CommandSpec spec, OptionSpec option) {
        OptionSpec found = Objects.requireNonNull(spec.findOption(option.longestName()));
        return String.valueOf(found.<Object>getValue());
    }

    private static void assertSame(String... words) {
        CommandLine vmm = FullParser.commandLine();
        vmm.parseArgs(words);
        CommandLine full = vmm.getSubcommands().get(CommandWords.RUN);
        QuickParser quick = QuickParser.parse(words);

        assertThat(quick).as(String.join(" ", words)).isNotNull();
        CommandSpec ofQuick = CommandSpec.create();
        ofQuick.addMixin("options", CommandSpec.forAnnotatedObject(quick.options()));
        ofQuick.addMixin("global", CommandSpec.forAnnotatedObject(quick.global()));
        for (OptionSpec option : full.getCommandSpec().options()) {
            if (!RARE.contains(option.longestName())) {
                assertThat(valueOf(ofQuick, option))
                        .as(option.longestName() + " of " + String.join(" ", words))
                        .isEqualTo(valueOf(full.getCommandSpec(), option));
            }
        }
    }

    @Test
    void everyOptionIsTakenByEachOfItsNamesAsPicocliTakesIt() {
        for (OptionSpec option : picocli().getCommandSpec().options()) {
            String value = VALUES.get(option.longestName());
            if (value == null) {
                continue;
            }
            for (String name : option.names()) {
                assertSame(CommandWords.RUN, name, value);
            }
            assertSame(CommandWords.RUN, option.longestName() + "=" + value);
        }
    }

    @Test
    void noOptionIsForgotten() {
        assertThat(picocli().getCommandSpec().options())
                .extracting(OptionSpec::longestName)
                .filteredOn(name -> !RARE.contains(name))
                .filteredOn(name -> !VALUES.containsKey(name))
                .containsExactlyInAnyOrder("--verbose", "--quiet");
    }

    @Test
    void theDefaultsAreTheSame() {
        assertSame(CommandWords.RUN);
    }

    @ParameterizedTest
    @ValueSource(strings = {"-v", "--verbose", "-q", "--quiet"})
    void flagsAreTheSame(String flag) {
        QuickParser quick = QuickParser.parse(CommandWords.RUN, flag);

        assertThat(quick).isNotNull();
        assertThat(quick.global().loudness.verbose).isEqualTo(flag.contains("v"));
        assertThat(quick.global().loudness.quiet).isEqualTo(flag.contains("q"));
    }

    /** Wrong ones, for the complaint, and unusual ones. */
    @ParameterizedTest
    @CsvSource({
        "run --kernel",
        "run --kernel=",
        "run -k --verbose",
        "run --memory 512",
        "run --cpus 1 --cpus 2",
        "run -c 1 --cpus 2",
        "run -m512M",
        "run -vq",
        "run -v -q",
        "run -v -v",
        "run --append a --cmdline b",
        "run --graceful",
        "run --graceful 3",
        "run --colour x",
        "run vmlinuz x",
        "run -- x",
        "run --help",
        "host",
        "help run"
    })
    void allElseIsLeftToPicocli(String line) {
        assertThat(QuickParser.parse(line.split(" ", -1))).isNull();
    }

    @Test
    void theCommandsAreThoseOfPicocli() {
        assertThat(CommandWords.COMMANDS)
                .containsExactlyInAnyOrderElementsOf(
                        FullParser.commandLine().getSubcommands().keySet());
    }

    @ParameterizedTest
    @CsvSource({
        "-k host, run -k host",
        "--kernel page-server, run --kernel page-server",
        "-k @k.elf, run -k @k.elf",
        "host --json, host --json",
        "-v host, host -v",
        "-q --verbose host, host -q --verbose",
        "-v -k x, run -v -k x",
        "run -v, run -v",
        "help run, help run",
        "--help, --help",
        "-v --help, -v --help",
        "-V, -V"
    })
    void theCommandIsFoundWhereItIsNamedAndIsRunWhereItIsNot(String typed, String ordered) {
        assertThat(CommandWords.commandFirst(typed.split(" ", -1)))
                .containsExactly(ordered.split(" ", -1));
    }

    @Test
    void noWordsMeanRun() {
        assertThat(CommandWords.commandFirst(new String[0])).containsExactly(CommandWords.RUN);
    }
}
