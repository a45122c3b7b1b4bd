// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.framework;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A machine that runs as users run it: {@code java -jar vmm.jar} in a process of its own, its
 * serial port on the standard streams.
 *
 * <p>Every wait has a deadline. Whatever does not come as expected fails with the serial log, the
 * error stream and the command. {@link #close} ends the process if it still runs.
 */
public final class VmProcess implements AutoCloseable {

    /** System property with options for the Java runtime of the process, parted by blanks. */
    public static final String JAVA_OPTIONS_PROPERTY = "jvmm.vm.options";

    /** Signals that a machine gets from outside. */
    public enum Signal {
        /** The terminal is gone. */
        HUP(1),
        /** Ctrl-C. */
        INT(2),
        /** A thread dump of the Java runtime. */
        QUIT(3),
        /** The end without a word. */
        KILL(9),
        /** The polite request to end. */
        TERM(15),
        /** What a shell sends to go on with a stopped job. */
        CONT(18),
        /** Ctrl-Z on a terminal that is not raw. */
        TSTP(20);

        private final int number;

        Signal(int number) {
            this.number = number;
        }

        /** The exit code of a command that this signal ended. */
        public int exitCode() {
            return 128 + number;
        }
    }

    private final List<String> command;
    private final Process process;
    private final Capture serial;
    private final Capture errors;

    /** Up to here the serial log has been waited for. */
    private int seen;

    private VmProcess(List<String> command, Process process) {
        this.command = command;
        this.process = process;
        this.serial = new Capture(process.getInputStream());
        this.errors = new Capture(process.getErrorStream());
    }

    /** Starts {@code vmm.jar} with these arguments on the Java runtime that runs this test. */
    public static VmProcess start(String... arguments) {
        return start(List.of(arguments));
    }

    /** Starts {@code vmm.jar} with these arguments on the Java runtime that runs this test. */
    public static VmProcess start(List<String> arguments) {
        return launch(command(List.of(), arguments));
    }

    /**
     * The command line that {@link #start} uses, for those who wrap it in another command.
     *
     * @param javaOptions further options for the Java runtime
     */
    public static List<String> command(List<String> javaOptions, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        Pattern.compile(" +")
                .splitAsStream(System.getProperty(JAVA_OPTIONS_PROPERTY, ""))
                .filter(option -> !option.isEmpty())
                .forEach(command::add);
        command.addAll(javaOptions);
        command.add("-jar");
        command.add(VmmJar.locate().toString());
        command.addAll(arguments);
        return command;
    }

    /** Starts any command that behaves like the product's. */
    public static VmProcess launch(List<String> command) {
        try {
            return new VmProcess(command, new ProcessBuilder(command).start());
        } catch (IOException e) {
            throw new AssertionError("cannot start " + command, e);
        }
    }

    /**
     * Waits until the serial port has written the text, behind what was waited for before.
     *
     * @throws AssertionError if it does not come in time, or the process ends without it
     */
    public VmProcess waitForText(String text, Duration limit) {
        int end = serial.awaitText(text, seen, limit);
        if (end < 0) {
            String how = serial.hasEnded() ? "it ended" : "not within " + limit.toSeconds() + " s";
            throw failure("waited for \"" + text + "\": " + how);
        }
        seen = end;
        return this;
    }

    /** Types a line on the serial port. */
    public VmProcess send(String line) {
        return sendRaw(line + "\n");
    }

    /** Types characters on the serial port. */
    public VmProcess sendRaw(String text) {
        try {
            OutputStream input = process.getOutputStream();
            input.write(text.getBytes(StandardCharsets.UTF_8));
            input.flush();
            return this;
        } catch (IOException e) {
            throw failure("cannot type \"" + text.strip() + "\": " + e.getMessage());
        }
    }

    /** Sends a signal to the process. */
    public VmProcess signal(Signal signal) {
        return signal(process.pid(), signal);
    }

    /** Sends a signal to another process, such as one that this one started. */
    public VmProcess signal(long pid, Signal signal) {
        List<String> kill = List.of("kill", "-" + signal, Long.toString(pid));
        try {
            int exitCode = new ProcessBuilder(kill).inheritIO().start().waitFor();
            if (exitCode != 0) {
                throw failure("cannot send SIG" + signal);
            }
            return this;
        } catch (IOException e) {
            throw failure("cannot send SIG" + signal + ": " + e.getMessage());
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /**
     * Waits for the process to end by itself.
     *
     * @return its exit code
     * @throws AssertionError if it does not end in time
     */
    public int waitForExit(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw failure("did not end within " + limit.toSeconds() + " s");
            }
            serial.awaitEnd();
            errors.awaitEnd();
            return process.exitValue();
        } catch (InterruptedException e) {
            throw interrupted();
        }
    }

    /** Waits for the process to end by itself with this exit code. */
    public void expectExit(int exitCode, Duration limit) {
        int found = waitForExit(limit);
        if (found != exitCode) {
            throw failure("ended with exit code %d instead of %d".formatted(found, exitCode));
        }
    }

    /** All that the serial port has written. */
    public String serialLog() {
        return serial.text();
    }

    /** All that the process has written on its error stream. */
    public String errorLog() {
        return errors.text();
    }

    /** The process's id. */
    public long pid() {
        return process.pid();
    }

    /** Ends the process at once if it still runs, and waits until it is gone. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private AssertionError failure(String what) {
        return new AssertionError(
                """
                %s
                command: %s
                --- serial log
                %s
                --- error stream
                %s
                ---\
                """
                        .formatted(what, String.join(" ", command), serial.text(), errors.text()));
    }

    private AssertionError interrupted() {
        Thread.currentThread().interrupt();
        return failure("interrupted");
    }

    /** What a stream has brought so far; a thread of its own reads it until it ends. */
    private static final class Capture {

        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private boolean ended;

        Capture(InputStream stream) {
            Thread.ofPlatform().daemon().name("capture").start(() -> read(stream));
        }

        private void read(InputStream stream) {
            byte[] buffer = new byte[8192];
            try (stream) {
                for (int n = stream.read(buffer); n >= 0; n = stream.read(buffer)) {
                    add(buffer, n);
                }
            } catch (IOException e) {
                // the process was ended by close(): there is nothing more to read
            }
            end();
        }

        private synchronized void add(byte[] buffer, int length) {
            bytes.write(buffer, 0, length);
            notifyAll();
        }

        private synchronized void end() {
            ended = true;
            notifyAll();
        }

        synchronized boolean hasEnded() {
            return ended;
        }

        synchronized String text() {
            // one character per byte, so that positions stay what they are while more comes in
            return bytes.toString(StandardCharsets.ISO_8859_1);
        }

        /** The position behind the text, at or after {@code from}; -1 if it does not come. */
        synchronized int awaitText(String text, int from, Duration limit) {
            long deadline = System.nanoTime() + limit.toNanos();
            while (true) {
                int found = text().indexOf(text, from);
                if (found >= 0) {
                    return found + text.length();
                }
                long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
                if (ended || leftMillis <= 0) {
                    return -1;
                }
                try {
                    wait(leftMillis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return -1;
                }
            }
        }

        synchronized void awaitEnd() throws InterruptedException {
            while (!ended) {
                wait();
            }
        }
    }
}
