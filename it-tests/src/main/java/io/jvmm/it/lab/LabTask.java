// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.CpioArchive;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What one start of the lab is for: a command, and the files that it works on.
 *
 * <p>Not safe for use by several threads.
 */
final class LabTask {

    /** Where all files of a task lie in the lab. */
    static final String FOLDER = "/lab";

    /** What the command writes here comes back out. */
    static final String RESULTS = FOLDER + "/results";

    private final CpioArchive archive = new CpioArchive();
    private final Optional<Duration> deadline;

    /**
     * A task that runs one command.
     *
     * @param command program and arguments as the lab sees them
     * @param deadline how long it may take, start of the lab included; empty for as long as it
     *     likes
     */
    LabTask(List<String> command, Optional<Duration> deadline) {
        this.deadline = deadline;
        text(FOLDER + "/command", "exec " + quoted(command) + "\n");
        text(
                FOLDER + "/settings",
                "DEADLINE_SECONDS="
                        + deadline.map(limit -> Long.toString(limit.toSeconds())).orElse("")
                        + "\n");
    }

    Optional<Duration> deadline() {
        return deadline;
    }

    CpioArchive archive() {
        return archive;
    }

    /** Adds a file or a whole directory of this machine at an absolute path of the lab. */
    LabTask with(String labPath, Path source) {
        if (Files.isDirectory(source)) {
            archive.tree(labPath.substring(1), source);
        } else {
            archive.file(labPath.substring(1), source, Files.isExecutable(source) ? 0755 : 0644);
        }
        return this;
    }

    /** Adds an executable script at an absolute path of the lab. */
    LabTask withScript(String labPath, String script) {
        archive.file(labPath.substring(1), script.getBytes(StandardCharsets.UTF_8), 0755);
        return this;
    }

    private void text(String labPath, String text) {
        archive.file(labPath.substring(1), text.getBytes(StandardCharsets.UTF_8), 0644);
    }

    /** Words for the shell that mean just themselves. */
    private static String quoted(List<String> words) {
        return words.stream()
                .map(word -> "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
    }
}
