// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

/** Ends the command with a line to the user and an {@link ExitCode}. */
final class CommandException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final int exitCode;

    CommandException(int exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
