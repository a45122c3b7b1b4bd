// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.SmallLinux;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The kernels that the lab can boot: Debian's, as users have them, and our own. */
public enum LabKernel {
    /** Debian 12's. */
    DEBIAN_6_1(DebianKernel.Line.LINUX_6_1),
    /** Debian 13's. */
    DEBIAN_6_12(DebianKernel.Line.LINUX_6_12),
    /** Debian's development kernel. */
    DEBIAN_7_2(DebianKernel.Line.LINUX_7_2),
    /**
     * The {@link SmallLinux}: its KVM says by {@code KVM_EXIT_MEMORY_FAULT} which page of guest
     * memory the host could not supply. It is also the quickest to start, having no modules.
     */
    ANNOTATING;

    private static final String ANNOTATING_NAME = "annotating";

    private final Optional<DebianKernel.Line> line;

    LabKernel(DebianKernel.Line line) {
        this.line = Optional.of(line);
    }

    LabKernel() {
        this.line = Optional.empty();
    }

    /** What it is called on command lines: the number of its line, or {@code annotating}. */
    public String label() {
        return line.map(DebianKernel.Line::version).orElse(ANNOTATING_NAME);
    }

    /**
     * The kernel with this label.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static LabKernel labelled(String label) {
        return Stream.of(values())
                .filter(kernel -> kernel.label().equals(label))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException(
                                "no kernel \"%s\" for the lab; there are %s"
                                        .formatted(
                                                label,
                                                Stream.of(values())
                                                        .map(LabKernel::label)
                                                        .toList())));
    }

    /**
     * What it is booted from.
     *
     * @param release as {@code uname -r} prints it
     * @param image the bzImage
     * @param modules the folder of its modules, if not all it needs is built in
     */
    record Files(String release, Path image, Optional<Path> modules) {

        /** What tells these files from all others. */
        List<String> fingerprint() {
            return List.of(release, ImageCache.sha256(image));
        }
    }

    /**
     * The kernel, fetched or built first if the cache does not have it; building takes minutes.
     *
     * @throws io.jvmm.guest.ImageException with the reason if it cannot be had
     */
    Files fetch(ImageCache cache, DebianPackages packages) {
        if (line.isEmpty()) {
            SmallLinux small = SmallLinux.build(cache, packages);
            return new Files(small.release(), small.image(), Optional.empty());
        }
        DebianKernel kernel = DebianKernel.fetch(packages, line.get());
        return new Files(kernel.release(), kernel.image(), Optional.of(kernel.modules()));
    }
}
