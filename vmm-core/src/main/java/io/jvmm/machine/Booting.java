// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.BootPlan;
import io.jvmm.boot.Initrd;
import io.jvmm.boot.KernelImage;
import io.jvmm.host.HostQuirks;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;

/**
 * Brings fresh hardware to the entry of its kernel, once at the start and again after every reset.
 *
 * <p>The files are opened once and stay open, so that a reset finds them after they were deleted or
 * replaced. For one thread at a time: that of the machine's operation under way.
 */
final class Booting implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    private final MachineConfig config;
    private @Nullable KernelImage kernel;
    private @Nullable Initrd initrd;

    Booting(MachineConfig config) {
        this.config = config;
    }

    /**
     * Opens the kernel and the initial RAM disk and checks their headers, unless that is done.
     *
     * @return the kernel
     * @throws io.jvmm.boot.BootException one of them cannot be booted
     */
    KernelImage open() {
        KernelImage opened = kernel;
        if (opened == null) {
            opened = open(config.kernel());
            kernel = opened;
            if (config.initrd().isPresent()) {
                initrd = Initrd.open(config.initrd().get());
            }
        }
        return opened;
    }

    /**
     * Loads the kernel, the initial RAM disk and the command line; all vCPUs stand at their entry
     * then.
     *
     * @throws io.jvmm.boot.BootException one of them cannot be booted
     */
    void boot(Hardware hardware) {
        KernelImage image = open();
        BootPlan plan =
                BootLoader.load(
                        hardware.memory(),
                        image,
                        new BootConfig(
                                config.commandLine(),
                                hostWords(config, image),
                                Optional.ofNullable(initrd),
                                config.bootEntry(),
                                config.cpus(),
                                hardware.platform().acpiDevices()));
        LOG.info("{}", plan.description());
        hardware.memoryIsLoaded();
        hardware.board().enter(plan.entry(), Deadline.in(Machine.AMPLE));
    }

    /** Closes the files. A second call does nothing. */
    @Override
    public void close() {
        KernelImage opened = kernel;
        kernel = null;
        try (Initrd _ = initrd) {
            initrd = null;
            if (opened != null) {
                opened.close();
            }
        }
    }

    /** What this host needs on the command line of a Linux. */
    private static String hostWords(MachineConfig config, KernelImage image) {
        HostQuirks quirks = config.hostQuirks();
        if (quirks.commandLine().isEmpty() || !image.isLinux()) {
            return "";
        }
        LOG.info(
                "this host interprets the guest's kernel, {} times slower than its programs",
                quirks.slowdown());
        LOG.debug("added to the command line for this host: {}", quirks.commandLine());
        return quirks.commandLine();
    }

    private static KernelImage open(MachineConfig.KernelSource kernel) {
        return switch (kernel) {
            case MachineConfig.KernelSource.File file -> KernelImage.open(file.path());
            case MachineConfig.KernelSource.Bytes bytes ->
                    KernelImage.of(bytes.name(), bytes.content());
        };
    }
}
