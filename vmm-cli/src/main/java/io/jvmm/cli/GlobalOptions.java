// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.slf4j.event.Level;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Options that every command has. */
@Command(versionProvider = Version.class)
final class GlobalOptions {

    /** Says more, or less; not both. */
    static final class Loudness {
        @Option(
                names = {"-v", "--verbose"},
                description = "log details, and show where errors come from")
        boolean verbose;

        @Option(
                names = {"-q", "--quiet"},
                description = "log errors only")
        boolean quiet;
    }

    @ArgGroup Loudness loudness = new Loudness();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "show this help")
    boolean help;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "show the version")
    boolean version;

    boolean verbose() {
        return loudness.verbose;
    }

    /** Has the log say as much as wanted. */
    void apply() {
        if (loudness.verbose) {
            LogOutput.setLevel(Level.DEBUG);
        } else if (loudness.quiet) {
            LogOutput.setLevel(Level.ERROR);
        }
    }
}
