// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A process that says on its standard streams, line by line, how it goes, and is told so what to
 * do. Every wait has a deadline and fails with all that was said.
 */
public final class Talker implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final Process process;
    private final Writer input;

    // Guarded by this.
    private final List<String> lines = new ArrayList<>();
    private boolean ended;

    private Talker(Process process) {
        this.process = process;
        input = process.outputWriter();
        Thread.ofPlatform().daemon().name("talker").start(this::read);
    }

    /** Starts a command. */
    public static Talker start(List<String> command) {
        try {
            return new Talker(new ProcessBuilder(command).redirectErrorStream(true).start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (BufferedReader reader = process.inputReader()) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                synchronized (this) {
                    lines.add(line);
                    notifyAll();
                }
            }
        } catch (IOException e) {
            // It was ended while it spoke.
        }
        synchronized (this) {
            ended = true;
            notifyAll();
        }
    }

    /** Waits for a line that holds the expression, and returns it. */
    public String await(String expression) {
        return await(expression, 1);
    }

    /** Waits until that many lines hold the expression, and returns the last of them. */
    public synchronized String await(String expression, int times) {
        Pattern pattern = Pattern.compile(expression);
        long until = System.nanoTime() + LIMIT.toNanos();
        while (true) {
            List<String> found =
                    lines.stream().filter(line -> pattern.matcher(line).find()).toList();
            if (found.size() >= times) {
                return found.get(times - 1);
            }
            long leftMillis = (until - System.nanoTime()) / 1_000_000;
            if (ended || leftMillis <= 0) {
                throw new AssertionError(
                        "%s «%s», %d times, in:\n%s"
                                .formatted(
                                        ended ? "it ended without" : "it did not say",
                                        expression,
                                        times,
                                        String.join("\n", lines)));
            }
            try {
                wait(leftMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
        }
    }

    /** How many lines so far hold the expression. */
    public synchronized int count(String expression) {
        Pattern pattern = Pattern.compile(expression);
        return (int) lines.stream().filter(line -> pattern.matcher(line).find()).count();
    }

    /** Says a line, and waits for one more answer that holds the expression. */
    public String ask(String line, String answer) {
        int before = count(answer);
        say(line);
        return await(answer, before + 1);
    }

    /** Says a line. */
    public void say(String line) {
        try {
            input.write(line + "\n");
            input.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(all(), e);
        }
    }

    /** All that was said so far. */
    public synchronized String all() {
        return String.join("\n", lines);
    }

    /** {@code SIGKILL}, and waits until it is gone. */
    public void kill() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** {@code SIGTERM}. */
    public void terminate() {
        process.destroy();
    }

    /** Waits until it ends by itself; returns its exit code. */
    public int awaitExit() {
        return process.onExit()
                .orTimeout(LIMIT.toSeconds(), java.util.concurrent.TimeUnit.SECONDS)
                .join()
                .exitValue();
    }

    @Override
    public void close() {
        kill();
    }
}
