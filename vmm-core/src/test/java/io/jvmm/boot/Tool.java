// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/** A command of the host that some tests compare with. */
public final class Tool {

    private Tool() {}

    /**
     * Skips the test without the command; with {@code -Djvmm.tools=required} it goes on and fails.
     */
    public static void need(String command, String debianPackage) {
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            boolean installed =
                    Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                            .anyMatch(folder -> Files.isExecutable(Path.of(folder, command)));
            assumeTrue(installed, "needs " + command + ": install " + debianPackage);
        }
    }

    /** Output of a command that is given {@code input} and must succeed. */
    public static byte[] pipe(byte[] input, String... command) {
        return exchange(input, new ProcessBuilder(command).redirectError(Redirect.INHERIT));
    }

    /** All that a command prints, which must succeed. */
    public static String run(String... command) {
        byte[] output =
                exchange(new byte[0], new ProcessBuilder(command).redirectErrorStream(true));
        return new String(output, StandardCharsets.UTF_8);
    }

    private static byte[] exchange(byte[] input, ProcessBuilder builder) {
        try {
            Process process = builder.start();
            CompletableFuture<byte[]> output =
                    CompletableFuture.supplyAsync(() -> readAll(process.getInputStream()));
            try (OutputStream out = process.getOutputStream()) {
                out.write(input);
            }
            byte[] bytes = output.join();
            if (process.waitFor() != 0) {
                throw new AssertionError(
                        builder.command()
                                + " failed: "
                                + new String(bytes, StandardCharsets.UTF_8));
            }
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static byte[] readAll(InputStream in) {
        try (in) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
