// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.boot.BootEntry;
import io.jvmm.boot.KernelImage;
import io.jvmm.guest.Payload;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.ResetPolicy;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.nio.file.Path;
import java.time.Duration;

/**
 * The options of {@code vmm run}. {@link QuickParser} sets them for command lines that are right
 * and plain, picocli for all others.
 */
@Command
final class RunOptions {

    /** Seconds that a guest has to power off if {@code --graceful} gives none. */
    private static final String GRACE = "30";

    @Option(
            names = {"-k", "--kernel"},
            paramLabel = "FILE",
            converter = FileConverter.class,
            description = "bzImage or ELF vmlinux, also compressed")
    @Nullable Path kernel;

    @Option(
            names = {"-i", "--initrd"},
            paramLabel = "FILE",
            converter = FileConverter.class,
            description = "initial RAM disk")
    @Nullable Path initrd;

    @Option(
            names = {"-a", "--append"},
            paramLabel = "TEXT",
            description =
                    "goes behind the default command line, \""
                            + MachineConfig.DEFAULT_COMMAND_LINE
                            + "\"")
    String append = "";

    @Option(
            names = "--cmdline",
            paramLabel = "TEXT",
            description = "the whole command line, instead of the default one")
    @Nullable String commandLine;

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            defaultValue = "512M",
            description = "guest memory, 16M and more (default ${DEFAULT-VALUE})")
    long memory = MachineConfig.DEFAULT_MEMORY;

    @Option(
            names = {"-c", "--cpus"},
            paramLabel = "N",
            converter = CpusConverter.class,
            defaultValue = "1",
            description = "number of vCPUs (default ${DEFAULT-VALUE})")
    int cpus = 1;

    @Option(
            names = {"-s", "--serial"},
            paramLabel = "WHERE",
            converter = SerialConverter.class,
            defaultValue = "stdio",
            description = "stdio, file:PATH or none (default ${DEFAULT-VALUE})")
    SerialOption serial = new SerialOption.Stdio();

    @Option(
            names = "--boot-entry",
            paramLabel = "HOW",
            converter = EntryConverter.class,
            defaultValue = "auto",
            description = "auto, elf64, bzimage64, bzimage32 or pvh (default ${DEFAULT-VALUE})")
    BootEntry bootEntry = BootEntry.AUTO;

    @Option(
            names = "--on-reset",
            paramLabel = "WHAT",
            converter = ResetConverter.class,
            defaultValue = "exit",
            description = "exit or reboot when the guest wants a reset (default ${DEFAULT-VALUE})")
    ResetPolicy onReset = ResetPolicy.END;

    @Option(
            names = "--graceful",
            paramLabel = "SECONDS",
            arity = "0..1",
            fallbackValue = GRACE,
            converter = SecondsConverter.class,
            description =
                    "Ctrl-C presses the power button; pressed again, or after SECONDS"
                            + " (${FALLBACK-VALUE}), it stops the machine")
    @Nullable Duration graceful;

    @Mixin KickOptions kicks = new KickOptions();

    @Mixin HostOptions host = new HostOptions();

    /**
     * The machine that they describe.
     *
     * @param console where its serial port goes
     * @throws io.jvmm.machine.ConfigException something is wrong with it
     * @throws io.jvmm.boot.BootException the kernel's file is wrong
     * @throws io.jvmm.ffi.linux.KernelException the host has no KVM
     */
    MachineConfig machine(ConsoleTarget console) {
        MachineConfig.Builder builder =
                MachineConfig.builder()
                        .memoryBytes(memory)
                        .cpus(cpus)
                        .bootEntry(bootEntry)
                        .resetPolicy(onReset)
                        .console(console);
        kicks.applyTo(builder);
        if (kernel == null) {
            builder.kernel("the bundled guest", Payload.HELLO.bytes());
        } else {
            builder.kernel(kernel);
        }
        if (initrd != null) {
            builder.initrd(initrd);
        }
        builder.commandLine(wholeCommandLine());
        // What is wrong with the options comes before what is wrong with the host, and with files.
        MachineConfig _ = builder.build();
        if (kernel != null) {
            KernelImage.open(kernel).close();
        }
        return builder.hostQuirks(host.quirksFor(kernel)).build();
    }

    /** Whether the kernel or the initial RAM disk comes by standard input, so that no keys do. */
    boolean readsStandardInput() {
        return isStandardInput(kernel) || isStandardInput(initrd);
    }

    private static boolean isStandardInput(@Nullable Path path) {
        if (path == null) {
            return false;
        }
        return switch (path.normalize().toString()) {
            case "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0" -> true;
            default -> false;
        };
    }

    private String wholeCommandLine() {
        if (commandLine != null) {
            return commandLine;
        }
        String more = append.strip();
        return more.isEmpty()
                ? MachineConfig.DEFAULT_COMMAND_LINE
                : MachineConfig.DEFAULT_COMMAND_LINE.concat(" ").concat(more);
    }
}
