// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Programs that tests look for, beyond what busybox has, with the libraries of this machine.
 *
 * @param programs each program of this machine, by its path in the lab
 */
record LabTools(Map<String, Path> programs) {

    /** Debian's gdb without Python, whose whole library it would need otherwise. */
    private static final String DEBUGGER_PACKAGE = "gdb-minimal";

    private static final String SUITE = "bookworm";

    /** Finds or fetches them all. */
    static LabTools fetch() {
        Path debugger =
                new DebianPackages(ImageCache.ofUser())
                        .unpacked(SUITE, DEBUGGER_PACKAGE)
                        .resolve("usr/bin/gdb");
        return new LabTools(Map.of("/bin/gdb", debugger));
    }

    /**
     * Adds them to a task.
     *
     * @throws LabException if a library that one of them needs is not installed here
     */
    void addTo(LabTask task) {
        Map<String, Path> files = new TreeMap<>(programs);
        SharedLibraries libraries = SharedLibraries.of(List.copyOf(programs.values()));
        if (!libraries.missing().isEmpty()) {
            throw new LabException(
                    "gdb needs %s: install Debian's package gdb, which brings them"
                            .formatted(libraries.missing()));
        }
        libraries.found().forEach(library -> files.put(library.toString(), library));
        files.forEach(task::with);
    }
}
