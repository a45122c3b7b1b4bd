// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.boot.BootException;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.machine.ConfigException;
import io.jvmm.machine.MachineException;

import org.jspecify.annotations.Nullable;

/** The command's entry, and the one place where everything that goes wrong is caught. */
public final class Main {

    private Main() {}

    /** A command with an option that shows where errors come from. */
    interface Verbosity {
        boolean verbose();
    }

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) {
        LogOutput.choose();
        GuestOutput.processIsOurs();
        System.exit(run(args));
    }

    /**
     * Runs the command; returns its exit code. A plain {@code run}, which is what starts most
     * often, is parsed here: picocli takes more time than all else until the guest runs.
     */
    static int run(String... args) {
        String @Nullable [] plain = PlainWords.answer(args);
        if (plain != null) {
            for (String line : plain) {
                System.out.println(line);
            }
            return ExitCode.OK;
        }
        String[] words = CommandWords.commandFirst(args);
        QuickParser quick = QuickParser.parse(words);
        try {
            return quick != null
                    ? RunCommand.run(quick.options(), quick.global())
                    : FullParser.run(words);
        } catch (Exception | Error e) {
            return explain(e, quick != null && quick.global().verbose());
        }
    }

    /** Says what went wrong; returns the exit code for it. */
    static int explain(Throwable e, boolean verbose) {
        int code =
                switch (e) {
                    case ConfigException config -> {
                        config.problems().forEach(Main::say);
                        yield ExitCode.USAGE;
                    }
                    case BootException boot -> say(boot, ExitCode.BAD_IMAGE);
                    case CommandException command -> say(command, command.exitCode());
                    case KernelException host -> say(host, ExitCode.HOST);
                    case MachineException machine -> say(machine, ExitCode.HOST);
                    case OutOfMemoryError memory -> {
                        say("not enough memory for the monitor itself: " + memory.getMessage());
                        yield ExitCode.HOST;
                    }
                    default -> {
                        say("failed: " + e + " (--verbose shows where)");
                        yield ExitCode.FAILED;
                    }
                };
        if (verbose) {
            e.printStackTrace();
        }
        return code;
    }

    private static int say(RuntimeException e, int code) {
        say(String.valueOf(e.getMessage()));
        return code;
    }

    /** Writes a line on standard error. */
    static void say(String line) {
        System.err.println("vmm: ".concat(line));
    }
}
