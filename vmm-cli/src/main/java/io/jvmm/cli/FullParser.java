// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.UnmatchedArgumentException;

import java.util.List;

/** Command lines by picocli: all commands, all help, and every complaint about wrong use. */
final class FullParser {

    private FullParser() {}

    /** The commands, ready to parse; words that begin with {@code @} are taken as they are. */
    static CommandLine commandLine() {
        return new CommandLine(new VmmCommand())
                .setExpandAtFiles(false)
                .setExecutionExceptionHandler((e, line, _) -> Main.explain(e, isVerbose(line)))
                .setParameterExceptionHandler(FullParser::explainUsage);
    }

    /** Parses the words, the first of which is a command, and runs it; returns the exit code. */
    static int run(String... words) {
        return commandLine().execute(words);
    }

    private static boolean isVerbose(CommandLine line) {
        return switch (line.getCommand()) {
            case Main.Verbosity command -> command.verbose();
            case PageServerCommand server -> server.verbose();
            default -> false;
        };
    }

    private static int explainUsage(CommandLine.ParameterException e, String[] args) {
        CommandSpec command = e.getCommandLine().getCommandSpec();
        Main.say(e.getMessage() + suggestion(e, command));
        Main.say("see %s --help".formatted(command.qualifiedName()));
        return ExitCode.USAGE;
    }

    /** The options that begin as an unknown one does, as in {@code --mem}. */
    private static String suggestion(CommandLine.ParameterException e, CommandSpec command) {
        if (!(e instanceof UnmatchedArgumentException unmatched)) {
            return "";
        }
        String typed = unmatched.getUnmatched().getFirst();
        int value = typed.indexOf('=');
        String name = value < 0 ? typed : typed.substring(0, value);
        List<String> meant =
                command.options().stream()
                        .map(OptionSpec::longestName)
                        .filter(option -> name.length() > 2 && option.startsWith(name))
                        .toList();
        if (meant.isEmpty()) {
            meant = unmatched.getSuggestions();
        }
        return meant.isEmpty() ? "" : "; did you mean %s?".formatted(String.join(" or ", meant));
    }
}
