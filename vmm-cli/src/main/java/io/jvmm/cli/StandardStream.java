// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The standard streams of this process, by descriptor. One that was closed when the process started
 * may have become a file that the Java runtime opened, since the kernel gives out the lowest number
 * that is free; the guest must neither read nor write such a file.
 */
enum StandardStream {
    /** Standard input. */
    IN(0),
    /** Standard output. */
    OUT(1),
    /** Standard error. */
    ERR(2);

    private static final String MODULES = "/lib/modules";

    private final int descriptor;

    StandardStream(int descriptor) {
        this.descriptor = descriptor;
    }

    int descriptor() {
        return descriptor;
    }

    /** Whether the stream is there, so that it belongs to the user. */
    boolean isOpen() {
        String target;
        try {
            target =
                    Files.readSymbolicLink(
                                    Path.of("/proc/self/fd/".concat(String.valueOf(descriptor))))
                            .toString();
        } catch (IOException e) {
            return false;
        }
        return !target.equals(System.getProperty("java.home", "").concat(MODULES))
                && !isArchive(target);
    }

    /**
     * Whether it is a file of Java classes, which the runtime opens before any code of ours runs.
     */
    private static boolean isArchive(String target) {
        if (target.endsWith(".jsa")) {
            return true;
        }
        for (String entry : System.getProperty("java.class.path", "").split(":", -1)) {
            if (target.equals(Path.of(entry).toAbsolutePath().normalize().toString())) {
                return true;
            }
        }
        return false;
    }
}
