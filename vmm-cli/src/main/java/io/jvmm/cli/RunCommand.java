package io.jvmm.cli;

import ch.qos.logback.classic.Level;

import io.jvmm.boot.BootEntry;
import io.jvmm.guest.Payload;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.ResetPolicy;

import org.jspecify.annotations.Nullable;

import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code vmm}: boots a kernel and stays until the guest ends. */
@Command(
        name = "vmm",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {HostCommand.class, PageServerCommand.class, GenerateCompletion.class},
        sortOptions = false,
        description = "Boots a kernel in a virtual machine on KVM and connects its serial port.",
        footer = {
            "",
            "With no kernel, the bundled guest says hello.",
            "On a terminal, Ctrl-A x stops the machine; Ctrl-A h lists the other keys.",
            "",
            "Exit codes: 0 power-off, 1 failure, 2 wrong use, 3 bad kernel or initrd, 4 the host",
            "cannot, 32 reset, 33 triple fault, 34 guest panic, 128+n stopped by signal n."
        })
final class RunCommand implements Callable<Integer> {

    @Option(
            names = {"-k", "--kernel"},
            paramLabel = "FILE",
            description = "bzImage or ELF vmlinux, also compressed")
    private @Nullable Path kernel;

    @Option(
            names = {"-i", "--initrd"},
            paramLabel = "FILE",
            description = "initial RAM disk")
    private @Nullable Path initrd;

    @Option(
            names = {"-a", "--append"},
            paramLabel = "TEXT",
            description = "goes behind \"" + MachineConfig.DEFAULT_COMMAND_LINE + "\"")
    private String append = "";

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            defaultValue = "512M",
            description = "guest memory, 16M and more (default ${DEFAULT-VALUE})")
    private long memory;

    @Option(
            names = {"-c", "--cpus"},
            paramLabel = "N",
            converter = CpusConverter.class,
            defaultValue = "1",
            description = "number of vCPUs (default ${DEFAULT-VALUE})")
    private int cpus;

    @Option(
            names = {"-s", "--serial"},
            paramLabel = "WHERE",
            converter = SerialConverter.class,
            defaultValue = "stdio",
            description = "stdio, file:PATH or none (default ${DEFAULT-VALUE})")
    private SerialOption serial = new SerialOption.Stdio();

    @Option(
            names = "--boot-entry",
            paramLabel = "HOW",
            converter = EntryConverter.class,
            defaultValue = "auto",
            description = "auto, elf64, bzimage64, bzimage32 or pvh (default ${DEFAULT-VALUE})")
    private BootEntry bootEntry = BootEntry.AUTO;

    @Option(
            names = "--on-reset",
            paramLabel = "WHAT",
            converter = ResetConverter.class,
            defaultValue = "exit",
            description = "exit or reboot when the guest wants a reset (default ${DEFAULT-VALUE})")
    private ResetPolicy onReset = ResetPolicy.END;

    @Option(
            names = "--graceful",
            paramLabel = "SECONDS",
            arity = "0..1",
            fallbackValue = "30",
            converter = SecondsConverter.class,
            description = {
                "Ctrl-C presses the power button; pressed again, or after SECONDS",
                "(${FALLBACK-VALUE}), it stops the machine"
            })
    private @Nullable Duration graceful;

    @Mixin private KickOptions kicks = new KickOptions();

    @Mixin private HostOptions host = new HostOptions();

    /** Says more, or less; not both. */
    static final class Loudness {
        @Option(
                names = {"-v", "--verbose"},
                description = "log details, and show where errors come from")
        private boolean verbose;

        @Option(
                names = {"-q", "--quiet"},
                description = "log errors only")
        private boolean quiet;
    }

    @ArgGroup private Loudness loudness = new Loudness();

    boolean verbose() {
        return loudness.verbose;
    }

    @Override
    public Integer call() throws InterruptedException {
        if (loudness.verbose) {
            Logging.setLevel(Level.DEBUG);
        } else if (loudness.quiet) {
            Logging.setLevel(Level.ERROR);
        }
        return new Session(config(), serial instanceof SerialOption.Stdio, graceful).run();
    }

    private MachineConfig config() {
        MachineConfig.Builder builder =
                MachineConfig.builder()
                        .memoryBytes(memory)
                        .cpus(cpus)
                        .bootEntry(bootEntry)
                        .resetPolicy(onReset);
        kicks.applyTo(builder);
        builder.hostQuirks(host.quirksFor(kernel));
        if (kernel == null) {
            builder.kernel("the bundled guest", Payload.HELLO.bytes());
        } else {
            builder.kernel(kernel);
        }
        if (initrd != null) {
            builder.initrd(initrd);
        }
        builder.commandLine(
                Stream.of(MachineConfig.DEFAULT_COMMAND_LINE, append.strip())
                        .filter(words -> !words.isEmpty())
                        .collect(Collectors.joining(" ")));
        return builder.console(
                        switch (serial) {
                            case SerialOption.Stdio _ ->
                                    new ConsoleTarget.ToStream(
                                            new FileOutputStream(FileDescriptor.out));
                            case SerialOption.ToFile to -> new ConsoleTarget.ToFile(to.file());
                            case SerialOption.None _ -> new ConsoleTarget.None();
                        })
                .build();
    }

    /** Numbers of vCPUs. */
    static final class CpusConverter implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            try {
                int cpus = Integer.parseInt(text);
                if (cpus >= 1 && cpus <= MachineConfig.MAX_CPUS) {
                    return cpus;
                }
            } catch (NumberFormatException e) {
                // answered below, as a number out of range is
            }
            throw new TypeConversionException(
                    "'%s' is not a number from 1 to %d".formatted(text, MachineConfig.MAX_CPUS));
        }
    }

    /** What can follow a reset, by the names that users type. */
    static final class ResetConverter implements ITypeConverter<ResetPolicy> {
        @Override
        public ResetPolicy convert(String text) {
            return switch (text) {
                case "exit" -> ResetPolicy.END;
                case "reboot" -> ResetPolicy.REBOOT;
                default ->
                        throw new TypeConversionException(
                                "'%s' is neither exit nor reboot".formatted(text));
            };
        }
    }

    /** Times in whole seconds, up to a day. */
    static final class SecondsConverter implements ITypeConverter<Duration> {

        private static final Pattern SECONDS = Pattern.compile("[0-9]{1,5}");

        @Override
        public Duration convert(String text) {
            if (!SECONDS.matcher(text).matches() || Integer.parseInt(text) > 86_400) {
                throw new TypeConversionException(
                        "'%s' is not a number of seconds from 0 to 86400".formatted(text));
            }
            return Duration.ofSeconds(Integer.parseInt(text));
        }
    }

    /** The entries by the names that users type. */
    static final class EntryConverter implements ITypeConverter<BootEntry> {
        @Override
        public BootEntry convert(String text) {
            for (BootEntry entry : BootEntry.values()) {
                if (entry.label().equals(text)) {
                    return entry;
                }
            }
            String known =
                    Arrays.stream(BootEntry.values())
                            .map(BootEntry::label)
                            .collect(Collectors.joining(", "));
            throw new TypeConversionException("'%s' is none of %s".formatted(text, known));
        }
    }
}
