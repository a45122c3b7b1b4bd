// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/**
 * {@code docs/cli.md} and the resource that {@code vmm --help} prints say what the commands' help
 * says. {@code -Djvmm.docs=write} writes them instead of comparing.
 */
class CliDocTest {

    private static final boolean WRITE = System.getProperty("jvmm.docs", "").equals("write");

    private static Path root() {
        return Stream.iterate(
                        Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .filter(folder -> Files.isRegularFile(folder.resolve("docs/exit-codes.md")))
                .findFirst()
                .orElseThrow();
    }

    private static void compare(Path file, String text) throws IOException {
        if (WRITE) {
            Files.writeString(file, text);
        }
        assertThat(file)
                .as("out of date: run this test with -Djvmm.docs=write")
                .content()
                .isEqualTo(text);
    }

    private static String help(CommandLine command) {
        return command.getUsageMessage(Ansi.OFF).replaceAll("(?m) +$", "");
    }

    @Test
    void theDocumentIsWhatTheCommandsSay() throws IOException {
        CommandLine vmm = FullParser.commandLine();
        StringBuilder text =
                new StringBuilder(
                        """
                        # The command

                        This page is generated from the commands' own help by `CliDocTest`.
                        [exit-codes.md](exit-codes.md) has the exit codes.

                        ## vmm

                        """);
        text.append("```text\n").append(help(vmm)).append("```\n");
        for (Map.Entry<String, CommandLine> command : vmm.getSubcommands().entrySet()) {
            text.append("\n## vmm ").append(command.getKey()).append("\n\n```text\n");
            text.append(help(command.getValue())).append("```\n");
        }
        compare(root().resolve("docs/cli.md"), text.toString());
    }

    @Test
    void theHelpThatNeedsNoParsingIsTheCommandsHelp() throws IOException {
        compare(
                root().resolve("vmm-cli/src/main/resources/io/jvmm/cli/help.txt"),
                help(FullParser.commandLine()));
        assertThat(CommandRun.of("--help").out()).isEqualTo(help(FullParser.commandLine()));
    }

    @Test
    void noLineOfHelpIsWiderThanATerminal() {
        CommandLine vmm = FullParser.commandLine();
        Stream.concat(Stream.of(vmm), vmm.getSubcommands().values().stream())
                .filter(command -> !command.getCommandName().equals("generate-completion"))
                .forEach(command ->
                        assertThat(help(command).lines())
                                .as(command.getCommandName())
                                .allMatch(line -> line.length() <= 80));
    }
}
