package io.jvmm.cli;

import io.jvmm.boot.KernelImage;
import io.jvmm.host.HostQuirks;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.Path;

/** What is done about a host that cannot carry out all of a guest's ring 0. */
final class HostOptions {

    private static final Logger LOG = LoggerFactory.getLogger(HostOptions.class);

    /** Whether to do anything. */
    enum Quirks {
        AUTO,
        OFF
    }

    @Option(
            names = "--host-quirks",
            paramLabel = "HOW",
            converter = QuirksConverter.class,
            defaultValue = "auto",
            description = "auto or off: make up for what this host lacks (see vmm host)")
    private Quirks quirks = Quirks.AUTO;

    /**
     * What to add to the command line of a kernel; nothing unless it is a Linux and the host needs
     * it. Said in the log.
     *
     * @param kernel null for the bundled guest
     * @throws io.jvmm.boot.BootException it is no kernel
     * @throws io.jvmm.ffi.linux.KernelException the host has no KVM, or one that runs nothing
     */
    String commandLineFor(@Nullable Path kernel) {
        if (quirks == Quirks.OFF || kernel == null || !isLinux(kernel)) {
            return "";
        }
        HostQuirks needed = HostCommand.profiles().quirks();
        if (!needed.isEmpty()) {
            LOG.info(
                    "this host interprets the guest's kernel, {} times slower than its programs;"
                            + " added to the command line: {} (vmm host tells more,"
                            + " --host-quirks off turns it off)",
                    needed.slowdown(),
                    needed.commandLine());
        }
        return needed.commandLine();
    }

    private static boolean isLinux(Path kernel) {
        try (KernelImage image = KernelImage.open(kernel)) {
            return image.isLinux();
        }
    }

    /** As users type it. */
    static final class QuirksConverter implements ITypeConverter<Quirks> {
        @Override
        public Quirks convert(String text) {
            return switch (text) {
                case "auto" -> Quirks.AUTO;
                case "off" -> Quirks.OFF;
                default ->
                        throw new TypeConversionException(
                                "'%s' is neither auto nor off".formatted(text));
            };
        }
    }
}
