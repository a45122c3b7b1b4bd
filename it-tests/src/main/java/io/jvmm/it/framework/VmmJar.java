// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.framework;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Where the product's {@code vmm.jar} is. */
public final class VmmJar {

    /** System property with its path. */
    public static final String PROPERTY = "jvmm.vmm.jar";

    private static final String IN_BUILD = "vmm-cli/target/vmm.jar";

    private VmmJar() {}

    /**
     * The jar that {@link #PROPERTY} names, or the one that the build made: found from this folder
     * upwards, so that it serves from the root and from a module alike.
     *
     * @throws IllegalStateException if there is none
     */
    public static Path locate() {
        String told = System.getProperty(PROPERTY);
        if (told != null) {
            return existing(Path.of(told));
        }
        return Stream.iterate(
                        Path.of("").toAbsolutePath(), folder -> folder != null, Path::getParent)
                .map(folder -> folder.resolve(IN_BUILD))
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalStateException("no " + IN_BUILD + ": build it first"));
    }

    private static Path existing(Path jar) {
        if (!Files.isRegularFile(jar)) {
            throw new IllegalStateException("no vmm.jar at " + jar);
        }
        return jar.toAbsolutePath();
    }
}
