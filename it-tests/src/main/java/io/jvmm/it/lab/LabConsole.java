// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** The lab's first serial port, which is the terminal of the command that runs in it. */
sealed interface LabConsole {

    /** Starts the machine with its console connected. */
    Process start(ProcessBuilder machine) throws IOException;

    /** The last lines that the console showed, as far as they are known here. */
    String tail();

    /**
     * This process's own terminal, passed through raw in both directions: the machine itself sets
     * it up and restores it.
     */
    record Terminal() implements LabConsole {
        @Override
        public Process start(ProcessBuilder machine) throws IOException {
            return machine.inheritIO().start();
        }

        @Override
        public String tail() {
            return "(see above)";
        }
    }

    /** A console that nobody types on; what it shows is written to a stream as it comes. */
    final class Copied implements LabConsole {

        private static final int TAIL_LINES = 60;
        private static final Duration LAST_WORDS = Duration.ofSeconds(2);

        private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
        private final OutputStream copy;
        private Thread reader = Thread.ofVirtual().unstarted(() -> {});

        /** Copies to the given stream, which stays open. */
        Copied(OutputStream copy) {
            this.copy = copy;
        }

        @Override
        public Process start(ProcessBuilder machine) throws IOException {
            Process process = machine.redirectErrorStream(true).start();
            process.getOutputStream().close();
            InputStream output = process.getInputStream();
            reader = Thread.ofVirtual().start(() -> read(output));
            return process;
        }

        @Override
        public String tail() {
            try {
                reader.join(LAST_WORDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            List<String> lines = shown.toString(StandardCharsets.UTF_8).lines().toList();
            int from = Math.max(0, lines.size() - TAIL_LINES);
            return String.join("\n", lines.subList(from, lines.size()));
        }

        private void read(InputStream output) {
            byte[] buffer = new byte[8192];
            try (output) {
                for (int n = output.read(buffer); n >= 0; n = output.read(buffer)) {
                    shown.write(buffer, 0, n);
                    copy.write(buffer, 0, n);
                    copy.flush();
                }
            } catch (IOException e) {
                throw new UncheckedIOException("the lab's console is lost", e);
            }
        }
    }
}
