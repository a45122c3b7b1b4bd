// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.bus.AcpiDevice;

import java.util.List;
import java.util.Optional;

/**
 * What a guest is booted with, besides its kernel.
 *
 * @param commandLine the kernel's command line, passed on in UTF-8; may be empty
 * @param hostWords words in front of it that a host needs which interprets kernels; may be empty
 * @param initrd the initial RAM disk, if there is one
 * @param entry through which door to enter the kernel
 * @param cpus number of vCPUs, at least 1; they have the APIC ids 0 to cpus-1
 * @param devices that firmware's tables tell the kernel of
 */
public record BootConfig(
        String commandLine,
        String hostWords,
        Optional<Initrd> initrd,
        BootEntry entry,
        int cpus,
        List<AcpiDevice> devices) {

    /**
     * Command line for a guest whose owner gives none: console on the first serial port, and a
     * panic resets the machine at once instead of leaving it standing.
     */
    public static final String DEFAULT_COMMAND_LINE = "console=ttyS0 panic=-1";

    /**
     * Checks the number of vCPUs.
     *
     * @throws IllegalArgumentException if {@code cpus} is less than 1
     */
    public BootConfig {
        devices = List.copyOf(devices);
        if (cpus < 1) {
            throw new IllegalArgumentException("A guest needs at least one vCPU, not " + cpus);
        }
    }

    /**
     * A guest without words of the host, whose kernel finds all devices by itself.
     *
     * @throws IllegalArgumentException if {@code cpus} is less than 1
     */
    public BootConfig(String commandLine, Optional<Initrd> initrd, BootEntry entry, int cpus) {
        this(commandLine, "", initrd, entry, cpus, List.of());
    }
}
