// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;

/**
 * {@code vmm}: the command that has the others. It has the options of {@code vmm run} too, for its
 * help and for the completion of shells; {@link CommandWords} gives them to {@code run}.
 */
@Command(
        name = "vmm",
        subcommands = {
            RunCommand.class,
            HostCommand.class,
            PageServerCommand.class,
            HelpCommand.class,
            GenerateCompletion.class
        },
        sortOptions = false,
        synopsisHeading = "Usage: ",
        customSynopsis = {"vmm [run] [OPTIONS]", "       vmm COMMAND [OPTIONS]"},
        description = {
            "",
            "Boots a kernel in a virtual machine on KVM and connects its serial port.",
            ""
        },
        commandListHeading = "%nCommands (without one, vmm runs a machine):%n",
        footer = {
            "",
            "With no kernel, the bundled guest says hello.",
            "On a terminal, Ctrl-A x stops the machine; Ctrl-A h lists the other keys.",
            "",
            "Exit codes: 0 power-off, 1 failure, 2 wrong use, 3 bad kernel or initrd,",
            "4 the host cannot, 5 console output lost, 32 reset, 33 triple fault,",
            "34 guest panic, 128+n stopped by signal n."
        })
final class VmmCommand {

    @Mixin RunOptions options = new RunOptions();

    @Mixin GlobalOptions global = new GlobalOptions();
}
