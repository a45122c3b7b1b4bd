package io.jvmm.cli;

import io.jvmm.boot.BootException;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.machine.ConfigException;
import io.jvmm.machine.MachineException;

import picocli.CommandLine;

import java.io.PrintWriter;

/** The command's entry, and the one place where everything that goes wrong is caught. */
public final class Main {

    private Main() {}

    /** Runs the command and ends the process with its exit code. */
    public static void main(String[] args) {
        System.exit(run(args));
    }

    static int run(String... args) {
        RunCommand command = new RunCommand();
        return new CommandLine(command)
                .setExecutionExceptionHandler(
                        (e, line, _) -> explain(e, line, command.verbose() || isVerbose(line)))
                .setParameterExceptionHandler(Main::explainUsage)
                .execute(args);
    }

    private static boolean isVerbose(CommandLine line) {
        return line.getCommand() instanceof PageServerCommand server && server.verbose();
    }

    private static int explain(Exception e, CommandLine line, boolean verbose) {
        PrintWriter err = line.getErr();
        int code =
                switch (e) {
                    case ConfigException config -> {
                        config.problems().forEach(problem -> err.println("vmm: " + problem));
                        yield ExitCode.USAGE;
                    }
                    case BootException boot -> {
                        err.println("vmm: " + boot.getMessage());
                        yield ExitCode.BAD_IMAGE;
                    }
                    case CommandException command -> {
                        err.println("vmm: " + command.getMessage());
                        yield command.exitCode();
                    }
                    case KernelException host -> {
                        err.println("vmm: " + host.getMessage());
                        yield ExitCode.HOST;
                    }
                    case MachineException machine -> {
                        err.println("vmm: " + machine.getMessage());
                        yield ExitCode.HOST;
                    }
                    default -> {
                        err.println("vmm: failed: " + e + " (--verbose shows where)");
                        yield ExitCode.FAILED;
                    }
                };
        if (verbose) {
            e.printStackTrace(err);
        }
        err.flush();
        return code;
    }

    private static int explainUsage(CommandLine.ParameterException e, String[] args) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("vmm: " + e.getMessage());
        err.println(
                "vmm: see %s --help"
                        .formatted(e.getCommandLine().getCommandSpec().qualifiedName()));
        err.flush();
        return ExitCode.USAGE;
    }
}
