// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.linux.Terminal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A raw terminal under a shell's job control. A process that is stopped leaves the terminal as it
 * was found; one that continues in the foreground has it raw again. In the background it may not
 * change the terminal, and does so when the shell continues it in the foreground.
 */
final class JobControl {

    private static final Path STATUS = Path.of("/proc/self/stat");

    // Fields of /proc/PID/stat behind the command's name, proc_pid_stat(5).
    private static final int PROCESS_GROUP = 2;
    private static final int FOREGROUND_GROUP = 5;

    private JobControl() {}

    /** Begins for this terminal; it lasts until the terminal is closed. */
    static void of(Terminal terminal) {
        ProcessSignal.handle(
                "TSTP",
                _ -> {
                    terminal.suspend();
                    Signals.raise(Signals.SIGSTOP);
                });
        ProcessSignal.handle(
                "CONT",
                _ -> {
                    if (isInForeground()) {
                        terminal.resume();
                    }
                });
    }

    private static boolean isInForeground() {
        try {
            String status = Files.readString(STATUS);
            String[] fields = status.substring(status.lastIndexOf(')') + 2).split(" ", -1);
            return fields[PROCESS_GROUP].equals(fields[FOREGROUND_GROUP]);
        } catch (IOException e) {
            return false;
        }
    }
}
