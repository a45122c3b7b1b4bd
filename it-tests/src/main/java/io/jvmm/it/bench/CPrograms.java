// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The C programs that benchmarks compare with, compiled from {@code src/bench/c} by this machine's
 * compiler, or ready in a folder, as in the lab, which has no compiler.
 */
public final class CPrograms {

    /** System property with a folder of compiled programs, each named as its source. */
    public static final String FOLDER_PROPERTY = "jvmm.bench.programs";

    private static final String[] COMPILE = {"cc", "-O2", "-Wall", "-Wextra", "-pthread", "-o"};
    private static final String SUFFIX = ".c";

    private CPrograms() {}

    /**
     * The program of this name, compiled now if there is no folder with compiled ones.
     *
     * @throws IOException if the compiler refuses it or is not there
     */
    static Path locate(String name) throws IOException, InterruptedException {
        String ready = System.getProperty(FOLDER_PROPERTY);
        return ready == null ? compile(name) : Path.of(ready, name);
    }

    /**
     * Compiles all programs.
     *
     * @throws IOException if the compiler refuses one or is not there
     */
    public static List<Path> compileAll() throws IOException, InterruptedException {
        List<String> names;
        try (Stream<Path> sources = Files.list(sources())) {
            names =
                    sources.map(source -> source.getFileName().toString())
                            .filter(file -> file.endsWith(SUFFIX))
                            .map(file -> file.substring(0, file.length() - SUFFIX.length()))
                            .sorted()
                            .toList();
        }
        List<Path> programs = new ArrayList<>();
        for (String name : names) {
            programs.add(compile(name));
        }
        return programs;
    }

    private static Path compile(String name) throws IOException, InterruptedException {
        Path target = Files.createDirectories(root().resolve("it-tests/target/bench"));
        Path program = target.resolve(name);
        Path source = sources().resolve(name + SUFFIX);
        List<String> command = new ArrayList<>(List.of(COMPILE));
        command.add(program.toString());
        command.add(source.toString());
        Process compiler = new ProcessBuilder(command).inheritIO().start();
        if (compiler.waitFor() != 0) {
            throw new IOException("cc cannot compile " + source);
        }
        return program;
    }

    private static Path sources() {
        return root().resolve("it-tests/src/bench/c");
    }

    private static Path root() {
        return Path.of(System.getProperty("jvmm.root", "."));
    }
}
