// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.util.concurrent.Callable;

/** {@code vmm run}: boots a kernel and stays until the guest ends. */
@Command(
        name = "run",
        sortOptions = false,
        description = {"Boots a kernel in a virtual machine and connects its serial port."},
        footer = {"", "With no kernel, the bundled guest says hello."})
final class RunCommand implements Callable<Integer>, Main.Verbosity {

    @Mixin private RunOptions options = new RunOptions();

    @Mixin private GlobalOptions global = new GlobalOptions();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public boolean verbose() {
        return global.verbose();
    }

    @Override
    public Integer call() throws InterruptedException {
        if (options.commandLine != null && !options.append.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--cmdline and --append are mutually exclusive");
        }
        return run(options, global);
    }

    /** Runs a machine; returns the exit code. */
    static int run(RunOptions options, GlobalOptions global) throws InterruptedException {
        global.apply();
        return Session.of(options).run();
    }
}
