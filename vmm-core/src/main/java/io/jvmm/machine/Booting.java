package io.jvmm.machine;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.BootPlan;
import io.jvmm.boot.Initrd;
import io.jvmm.boot.KernelImage;
import io.jvmm.host.HostQuirks;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;

/** Brings fresh hardware to the entry of its kernel. */
final class Booting {

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    private Booting() {}

    /**
     * Loads the kernel, the initial RAM disk and the command line; all vCPUs stand at their entry
     * then.
     *
     * @throws io.jvmm.boot.BootException one of them cannot be booted
     */
    static void boot(MachineConfig config, Hardware hardware, Deadline deadline) {
        try (KernelImage image = open(config.kernel());
                Initrd initrd = config.initrd().map(Initrd::open).orElse(null)) {
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
            hardware.board().enter(plan.entry(), deadline);
        }
    }

    /** What this host needs on the command line of a Linux. */
    private static String hostWords(MachineConfig config, KernelImage image) {
        HostQuirks quirks = config.hostQuirks();
        if (quirks.commandLine().isEmpty() || !image.isLinux()) {
            return "";
        }
        LOG.info(
                "this host interprets the guest's kernel, {} times slower than its programs; added"
                        + " to the command line: {}",
                quirks.slowdown(),
                quirks.commandLine());
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
