// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.util.Optional;

/**
 * What machine the lab is.
 *
 * @param kernel its own kernel, which brings the KVM that is worked with
 * @param cpus its CPUs; more than one take turns on one thread of the host
 * @param memoryMib its memory in MiB, which holds its file system too
 */
public record LabSettings(LabKernel kernel, int cpus, int memoryMib) {

    /** Names the kernel by its {@linkplain LabKernel#label label}, such as {@code 6.12}. */
    public static final String KERNEL_PROPERTY = "jvmm.lab.kernel";

    /** Names the number of CPUs. */
    public static final String CPUS_PROPERTY = "jvmm.lab.cpus";

    /** Names the memory in MiB. */
    public static final String MEMORY_PROPERTY = "jvmm.lab.memory";

    /** The same machine with another kernel. */
    LabSettings withKernel(LabKernel other) {
        return new LabSettings(other, cpus, memoryMib);
    }

    /**
     * Settings from system properties; without them kernel 7.2, one CPU and 4 GiB.
     *
     * @throws IllegalArgumentException if a property has a value that means nothing
     */
    public static LabSettings fromProperties() {
        LabKernel kernel =
                Optional.ofNullable(System.getProperty(KERNEL_PROPERTY))
                        .map(LabKernel::labelled)
                        .orElse(LabKernel.DEBIAN_7_2);
        return new LabSettings(
                kernel,
                Integer.getInteger(CPUS_PROPERTY, 1),
                Integer.getInteger(MEMORY_PROPERTY, 4096));
    }
}
