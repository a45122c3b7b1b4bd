// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Objects;

/**
 * The file of {@code --serial file:PATH}. It is created, or emptied, when the machine is about to
 * run: a start that fails, by a mistyped kernel for instance, leaves an old log as it is.
 */
final class LogFile extends OutputStream {

    private final Path path;
    private volatile @Nullable OutputStream file;

    LogFile(Path path) {
        this.path = path;
    }

    /**
     * Creates or empties the file. Waits for a reader where it is a named pipe.
     *
     * @throws CommandException it cannot be written
     */
    void open() {
        try {
            file = Files.newOutputStream(path);
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.HOST,
                    "the console's file %s cannot be written (%s): name a file in a folder that exists and may be written"
                            .formatted(path, reason(e)),
                    e);
        }
    }

    /** Java's exceptions for files often say what happened by their type alone. */
    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such folder";
            case AccessDeniedException _ -> "access denied";
            case FileSystemException other when other.getReason() != null -> other.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }

    @Override
    public void write(int b) throws IOException {
        opened().write(b);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        opened().write(bytes, offset, length);
    }

    private OutputStream opened() {
        // No vCPU runs before it is open, so no byte comes before.
        return Objects.requireNonNull(file, "the console's file is not open yet");
    }

    @Override
    public void close() throws IOException {
        OutputStream opened = file;
        if (opened != null) {
            opened.close();
        }
    }
}
