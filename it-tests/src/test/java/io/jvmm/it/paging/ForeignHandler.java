// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A page-fault handler in C that shares no code with jvmm ({@code src/test/c/foreign_handler.c}),
 * as a process that listens.
 */
final class ForeignHandler implements AutoCloseable {

    private static final Path SOURCES = Path.of("src/test/c");

    private final Process process;
    private final Path socket;

    private ForeignHandler(Process process, Path socket) {
        this.process = process;
        this.socket = socket;
    }

    /**
     * Compiles the program; skips the test without a compiler, unless the build says {@code
     * -Djvmm.tools=required}.
     */
    static Path compile(Path folder) throws IOException, InterruptedException {
        return compile(folder, "foreign_handler");
    }

    /** As {@link #compile(Path)}, another program of the same folder. */
    static Path compile(Path folder, String name) throws IOException, InterruptedException {
        Path source = SOURCES.resolve(name + ".c");
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            assumeTrue(
                    Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                            .anyMatch(each -> Files.isExecutable(Path.of(each, "cc"))),
                    "needs a C compiler");
        }
        Path program = folder.resolve(name);
        Process compiler =
                new ProcessBuilder(
                                "cc",
                                "-O2",
                                "-Wall",
                                "-Wextra",
                                "-o",
                                program.toString(),
                                source.toString())
                        .inheritIO()
                        .start();
        if (compiler.waitFor() != 0) {
            throw new IOException("cc cannot compile " + source);
        }
        return program;
    }

    /** Starts it and waits until it listens. */
    static ForeignHandler start(Path program, Path socket, Path image, String behaviour)
            throws IOException {
        Process process =
                new ProcessBuilder(
                                program.toString(), socket.toString(), image.toString(), behaviour)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        ForeignHandler handler = new ForeignHandler(process, socket);
        String line = process.inputReader().readLine();
        if (!"ready".equals(line)) {
            handler.close();
            throw new IOException("the handler says " + line);
        }
        return handler;
    }

    Path socket() {
        return socket;
    }

    int pid() {
        return (int) process.pid();
    }

    /** Sends a signal by its name, such as {@code STOP}. */
    void signal(String name) throws IOException, InterruptedException {
        List<String> kill = List.of("kill", "-" + name, Long.toString(process.pid()));
        if (new ProcessBuilder(kill).inheritIO().start().waitFor() != 0) {
            throw new IOException("cannot send SIG" + name);
        }
    }

    /** Waits for the next line of its standard output; null at the end. */
    @Nullable String readLine() throws IOException {
        return process.inputReader().readLine();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Waits for its end; returns its exit code. */
    int awaitExit() throws InterruptedException {
        return process.waitFor();
    }

    @Override
    public void close() {
        try {
            // Also a child that has outlived the process ends with its input.
            process.getOutputStream().close();
        } catch (IOException e) {
            // It has ended.
        }
        process.destroyForcibly();
        process.onExit().join();
    }
}
