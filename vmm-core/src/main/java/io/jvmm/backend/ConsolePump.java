package io.jvmm.backend;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;

/**
 * Carries a console's output to a stream, on a thread of its own: a stream that blocks (a pipe that
 * nobody reads, a slow disk) blocks this thread and never one of a vCPU.
 */
public final class ConsolePump {

    private static final Logger LOG = LoggerFactory.getLogger(ConsolePump.class);
    private static final int CHUNK = 8192;

    private final ConsoleBuffer from;
    private final OutputStream to;
    private final Thread thread;

    private ConsolePump(ConsoleBuffer from, OutputStream to, String name) {
        this.from = from;
        this.to = to;
        this.thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this::run);
    }

    /** Starts to pump; the stream is flushed after every chunk and not closed. */
    public static ConsolePump start(ConsoleBuffer from, OutputStream to, String name) {
        ConsolePump pump = new ConsolePump(from, to, name);
        pump.thread.start();
        return pump;
    }

    /**
     * Waits until everything up to the buffer's end is written.
     *
     * @return whether that happened within the time
     */
    public boolean drain(Duration atMost) {
        try {
            return thread.join(atMost);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void run() {
        byte[] chunk = new byte[CHUNK];
        boolean broken = false;
        try (InputStream in = from.input()) {
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                broken = broken || !write(chunk, n);
            }
        } catch (IOException e) {
            LOG.warn("console output ends early: {}", e.getMessage());
        }
    }

    /** The guest goes on when its console is lost; it is told once, and the rest is dropped. */
    private boolean write(byte[] chunk, int length) {
        try {
            to.write(chunk, 0, length);
            to.flush();
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.warn("console output is lost from here on: {}", e.toString());
            return false;
        }
    }
}
