// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.TypeConversionException;

import java.util.HashSet;
import java.util.Set;

/**
 * Parses a command line of {@code vmm run} that is right and plain: long and short options, each at
 * most once, with their values. Any other is left to picocli, which knows what is wrong with it.
 * Loading picocli and reading its annotations takes longer than booting a machine.
 */
final class QuickParser {

    private final RunOptions options = new RunOptions();
    private final GlobalOptions global = new GlobalOptions();
    private final Set<String> seen = new HashSet<>();

    private QuickParser() {}

    /**
     * Parses the words of a command line, the first of which is the command.
     *
     * @return null if picocli has to
     */
    static @Nullable QuickParser parse(String... words) {
        if (words.length == 0 || !words[0].equals(CommandWords.RUN)) {
            return null;
        }
        QuickParser parser = new QuickParser();
        try {
            return parser.takeAll(words) ? parser : null;
        } catch (TypeConversionException e) {
            return null;
        }
    }

    RunOptions options() {
        return options;
    }

    GlobalOptions global() {
        return global;
    }

    private boolean takeAll(String... words) {
        int at = 1;
        while (at < words.length) {
            String word = words[at];
            at++;
            if (takeFlag(word)) {
                continue;
            }
            int equals = word.startsWith("--") ? word.indexOf('=') : -1;
            String name = equals < 0 ? word : word.substring(0, equals);
            if (equals < 0 && at == words.length) {
                return false;
            }
            String value = equals < 0 ? words[at] : word.substring(equals + 1);
            if (equals < 0) {
                at++;
            }
            if (value.isEmpty() || value.startsWith("-") || !take(name, value)) {
                return false;
            }
        }
        return !(global.loudness.verbose && global.loudness.quiet)
                && !(seen.contains("--cmdline") && seen.contains("--append"));
    }

    private boolean takeFlag(String word) {
        switch (word) {
            case "-v", "--verbose" -> global.loudness.verbose = first("--verbose");
            case "-q", "--quiet" -> global.loudness.quiet = first("--quiet");
            default -> {
                return false;
            }
        }
        return true;
    }

    private boolean first(String name) {
        if (!seen.add(name)) {
            throw new TypeConversionException(name);
        }
        return true;
    }

    /** Takes an option that has a value; false if there is none of this name. */
    private boolean take(String name, String value) {
        switch (name) {
            case "-k", "--kernel" -> {
                options.kernel = FileConverter.path(value);
                return first("--kernel");
            }
            case "-i", "--initrd" -> {
                options.initrd = FileConverter.path(value);
                return first("--initrd");
            }
            case "-a", "--append" -> {
                options.append = value;
                return first("--append");
            }
            case "--cmdline" -> options.commandLine = value;
            case "-m", "--memory" -> {
                options.memory = new SizeConverter().convert(value);
                return first("--memory");
            }
            case "-c", "--cpus" -> {
                options.cpus = new CpusConverter().convert(value);
                return first("--cpus");
            }
            case "-s", "--serial" -> {
                options.serial = new SerialConverter().convert(value);
                return first("--serial");
            }
            case "--boot-entry" -> options.bootEntry = new EntryConverter().convert(value);
            case "--on-reset" -> options.onReset = new ResetConverter().convert(value);
            case "--kick-strategy" ->
                    options.kicks.strategy = new StrategyConverter().convert(value);
            case "--kick-signal" -> options.kicks.signal = new SignalConverter().convert(value);
            case "--cpu-affinity" -> options.kicks.affinity = new CpuSetsConverter().convert(value);
            case "--cpu-scheduling" ->
                    options.kicks.scheduling = new SchedulingConverter().convert(value);
            case "--host-quirks" -> options.host.quirks = new QuirksConverter().convert(value);
            default -> {
                return false;
            }
        }
        return first(name);
    }
}
