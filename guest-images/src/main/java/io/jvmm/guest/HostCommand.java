// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A short-lived program of this machine, run for what it prints; it never outlives the call. */
final class HostCommand {

    private HostCommand() {}

    /** How a command ended: its exit code, and what it wrote on either stream. */
    record Outcome(int exitCode, String output, String errors) {
        boolean succeeded() {
            return exitCode == 0;
        }
    }

    /**
     * Runs a command in the C locale to its end.
     *
     * @param remedy what to do when the program is not installed, as a whole clause
     * @throws ImageException if it cannot be started or is not done within the time limit
     */
    static Outcome run(List<String> command, Path directory, Duration limit, String remedy) {
        Path errors = null;
        Process process = null;
        try {
            errors = Files.createTempFile("jvmm-", ".err");
            ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
            builder.environment()
                    .putAll(Map.of("LC_ALL", "C", "DEBIAN_FRONTEND", "noninteractive"));
            builder.redirectError(errors.toFile());
            process = builder.start();
            process.getOutputStream().close();
            Process started = process;
            Thread watchdog = Thread.ofVirtual().start(() -> destroyAfter(started, limit));
            String output;
            try (InputStream in = process.getInputStream()) {
                output = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            }
            int exitCode = process.waitFor();
            watchdog.interrupt();
            return new Outcome(exitCode, output, Files.readString(errors));
        } catch (IOException e) {
            throw new ImageException("cannot run " + command.getFirst() + ": " + remedy, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ImageException("interrupted while running " + command.getFirst(), e);
        } finally {
            if (process != null) {
                process.destroyForcibly();
            }
            deleteQuietly(errors);
        }
    }

    private static void destroyAfter(Process process, Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            // the command ended by itself, and nobody waits for this thread
        }
    }

    private static void deleteQuietly(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // a file that stays in the folder for temporary files does no harm
        }
    }
}
