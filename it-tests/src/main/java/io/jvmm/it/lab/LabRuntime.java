// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.ImageCache;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A Java runtime for the lab: the running JDK's modules that jvmm and its tests use, linked into
 * one folder, and the shared libraries of this machine that it is loaded with.
 *
 * @param folder the runtime's home
 * @param libraries absolute paths of the loader and of the libraries outside the runtime
 */
record LabRuntime(Path folder, List<Path> libraries) {

    /** Beside jvmm's own needs: JFR, and jcmd for a look into a process that hangs. */
    private static final List<String> MODULES =
            List.of(
                    "java.base",
                    "java.instrument",
                    "java.logging",
                    "java.management",
                    "java.naming",
                    "java.net.http",
                    "java.sql",
                    "java.xml",
                    "jdk.httpserver",
                    "jdk.jcmd",
                    "jdk.jfr",
                    "jdk.management",
                    "jdk.unsupported",
                    "jdk.zipfs");

    /** Links a runtime from the running JDK, or finds it in the cache. */
    static LabRuntime ofThisJdk(ImageCache cache) {
        Path home = Path.of(System.getProperty("java.home"));
        try {
            String release = Files.readString(home.resolve("release"));
            String key = ImageCache.keyOf(List.of(release, String.join(",", MODULES)));
            Path folder = cache.entry("lab/runtime-" + key, target -> link(home, target));
            return new LabRuntime(folder, sharedLibraries(folder));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the JDK in " + home, e);
        }
    }

    private static void link(Path home, Path target) throws IOException {
        HostProgram.run(
                List.of(
                        home.resolve("bin/jlink").toString(),
                        "--add-modules",
                        String.join(",", MODULES),
                        "--strip-debug",
                        "--no-header-files",
                        "--no-man-pages",
                        // a third of the start-up time, which is long under emulation
                        "--generate-cds-archive",
                        "--output",
                        target.toString()),
                "the lab needs a whole JDK, not only a runtime");
    }

    /** All libraries that the runtime's programs and libraries name, as the loader finds them. */
    private static List<Path> sharedLibraries(Path runtime) throws IOException {
        List<Path> files = new ArrayList<>(List.of(runtime.resolve("bin/java")));
        try (Stream<Path> all = Files.walk(runtime.resolve("lib"))) {
            all.filter(file -> file.toString().endsWith(".so")).forEach(files::add);
        }
        // The runtime's own libraries find each other without the loader's knowledge.
        return SharedLibraries.of(files).found().stream()
                .filter(library -> !library.startsWith(runtime))
                .toList();
    }
}
