package io.jvmm.machine;

import io.jvmm.backend.ConsoleBuffer;
import io.jvmm.backend.ConsoleBuffer.WhenFull;
import io.jvmm.backend.ConsoleInput;
import io.jvmm.backend.ConsolePump;
import io.jvmm.bus.IrqLine;
import io.jvmm.device.SerialPort;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;

/** A guest's serial console with both its ends: the port, and where its bytes go and come from. */
final class Console implements AutoCloseable {

    /** Time for whoever takes the output to take the last of it. */
    private static final Duration READER_HAS = Duration.ofSeconds(5);

    private static final int KEPT = 1 << 20;
    private static final int ON_THE_WAY = 64 * 1024;

    private final SerialPort port;
    private final ConsoleInput input;
    private final ConsoleBuffer buffer;
    private final @Nullable ConsolePump pump;
    private final @Nullable OutputStream file;
    private final boolean readable;
    private boolean closed; // for the one thread that closes the machine

    Console(ConsoleTarget target, IrqLine irq, String machine) {
        OutputStream stream = null;
        OutputStream opened = null;
        switch (target) {
            case ConsoleTarget.ToStream to -> stream = to.stream();
            case ConsoleTarget.ToFile to -> {
                opened = open(to.file());
                stream = opened;
            }
            case ConsoleTarget.None _ -> stream = OutputStream.nullOutputStream();
            case ConsoleTarget.Buffered _ -> {}
        }
        this.file = opened;
        this.readable = stream == null;
        this.buffer =
                readable
                        ? new ConsoleBuffer(KEPT, WhenFull.FORGET_OLDEST)
                        : new ConsoleBuffer(ON_THE_WAY, WhenFull.WAIT);
        this.pump = stream == null ? null : ConsolePump.start(buffer, stream, machine + "-console");
        this.port = new SerialPort(irq, buffer);
        this.input = new ConsoleInput(port);
    }

    private static OutputStream open(Path file) {
        try {
            return Files.newOutputStream(file);
        } catch (IOException e) {
            throw new MachineException(
                    "the console's file %s cannot be written (%s): name a file in a folder that exists and may be written"
                            .formatted(file, reason(e)),
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

    SerialPort port() {
        return port;
    }

    ConsoleInput input() {
        return input;
    }

    InputStream output() {
        if (!readable) {
            throw new IllegalStateException(
                    "the console's output goes elsewhere; configure ConsoleTarget.Buffered");
        }
        return buffer.input();
    }

    /** The machine is paused, or about to be: no vCPU waits here, and nothing is typed. */
    void pause() {
        buffer.letThrough(true);
        input.hold();
    }

    /** The machine goes on, and with it what was typed meanwhile. */
    void resume() {
        buffer.letThrough(false);
        input.resume();
    }

    /** Never makes a vCPU wait from now on: the machine is to stop. */
    void release() {
        buffer.release();
    }

    /** The guest has ended: whoever reads the output comes to its end. */
    void end() {
        buffer.end();
        input.close();
    }

    /** Ends, and waits until the output is written, as long as somebody takes it. */
    void close(Deadline deadline) {
        if (closed) {
            return;
        }
        closed = true;
        end();
        if (pump != null) {
            pump.drain(deadline.atMost(READER_HAS).left());
        }
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new MachineException("the console's file: " + e.getMessage(), e);
            }
        }
    }

    @Override
    public void close() {
        close(Deadline.in(READER_HAS));
    }
}
