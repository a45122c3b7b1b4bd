// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.backend.ConsoleBuffer;
import io.jvmm.backend.ConsoleBuffer.WhenFull;
import io.jvmm.backend.ConsoleInput;
import io.jvmm.backend.ConsoleOutput;
import io.jvmm.bus.Backpressure;
import io.jvmm.bus.IrqLine;
import io.jvmm.device.SerialPort;
import io.jvmm.layout.Ports;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A guest's serial console with both its ends: the port, and where its bytes go and come from.
 *
 * <p>It is {@link Backpressure} for the vCPUs that write to the port: where no byte may be lost,
 * they wait for its reader.
 */
final class Console implements Backpressure, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Console.class);

    /** A reader that takes nothing for so long loses what is left when the machine is closed. */
    private static final Duration READER_HAS = Duration.ofSeconds(5);

    private static final int KEPT = 1 << 20;
    private static final int ON_THE_WAY = 64 * 1024;

    private final String machine;
    private final SerialPort port;
    private final ConsoleInput input;
    private final ConsoleBuffer buffer;
    private final CompletableFuture<Optional<ConsoleLoss>> written = new CompletableFuture<>();
    private final @Nullable ConsoleOutput output;
    private final @Nullable OutputStream file;
    private final boolean isDropped;

    // What ends the output and what ends the guest may come in either order; each looks at both.
    private volatile @Nullable String lostBecause;
    private volatile boolean guestEnded;

    private boolean closed; // for the one thread that closes the machine

    /**
     * @param failed is told of failures of the monitor itself
     */
    Console(ConsoleTarget target, IrqLine irq, String machine, Consumer<Throwable> failed) {
        this.machine = machine;
        this.buffer =
                target instanceof ConsoleTarget.Buffered
                        ? new ConsoleBuffer(KEPT, WhenFull.FORGET_OLDEST)
                        : new ConsoleBuffer(ON_THE_WAY, WhenFull.WAIT);
        String name = machine + "-console";
        ConsoleOutput.Owner owner = owner(failed);
        OutputStream opened = null;
        switch (target) {
            case ConsoleTarget.Buffered _ -> output = null;
            case ConsoleTarget.None _ -> {
                output = null;
                buffer.abandon();
            }
            case ConsoleTarget.ToStream to ->
                    output = ConsoleOutput.toStream(buffer, to.stream(), name, owner);
            case ConsoleTarget.ToDescriptor to ->
                    output = ConsoleOutput.toDescriptor(buffer, to.number(), name, owner);
            case ConsoleTarget.ToFile to -> {
                opened = open(to.file());
                output = ConsoleOutput.toStream(buffer, opened, name, owner);
            }
        }
        this.file = opened;
        this.isDropped = target instanceof ConsoleTarget.None;
        this.port = new SerialPort(irq, buffer);
        this.input = new ConsoleInput(port);
    }

    private ConsoleOutput.Owner owner(Consumer<Throwable> failed) {
        return new ConsoleOutput.Owner() {
            @Override
            public void ended(@Nullable String why) {
                if (why == null) {
                    written.complete(Optional.empty());
                } else {
                    lostBecause = why;
                    if (guestEnded) {
                        completeGivenUp(why);
                    }
                }
            }

            @Override
            public void broken(String why) {
                // At once, since it is why nothing appears from here on; and on a thread of its
                // own, since the log may go to a reader that is as slow.
                Thread.ofPlatform()
                        .name(machine + "-console-lost")
                        .daemon(true)
                        .start(() -> LOG.warn("console output is lost from here on: {}", why));
            }

            @Override
            public void failed(Throwable cause) {
                failed.accept(cause);
            }
        };
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
        if (output != null || isDropped) {
            throw new IllegalStateException(
                    "the console's output goes elsewhere; configure ConsoleTarget.Buffered");
        }
        return buffer.input();
    }

    /** Completes after the guest's end, when its output is written or lost. */
    CompletableFuture<Optional<ConsoleLoss>> written() {
        return written.copy();
    }

    private void completeGivenUp(String why) {
        long lost = buffer.lost();
        written.complete(lost == 0 ? Optional.empty() : Optional.of(new ConsoleLoss(lost, why)));
    }

    /** Gives up what is not written yet. */
    void giveUp(String why) {
        if (output != null) {
            output.giveUp(why);
        }
    }

    @Override
    public boolean isFull(int port) {
        return buffer.isFull() && Integer.compareUnsigned(port - Ports.COM1, Ports.COM1_SIZE) < 0;
    }

    @Override
    public void awaitRoom(BooleanSupplier kicked) {
        buffer.awaitRoom(kicked);
    }

    /** The machine is paused, or about to be: nothing is typed. */
    void pause() {
        input.hold();
    }

    /** The machine goes on, and with it what was typed meanwhile. */
    void resume() {
        input.resume();
    }

    /** The guest has ended: the reader of its output comes to the end. */
    void end() {
        input.close();
        buffer.end();
        guestEnded = true;
        String why = lostBecause;
        if (why != null) {
            completeGivenUp(why);
        } else if (output == null) {
            written.complete(Optional.empty());
        }
    }

    /** Ends, and waits until the output is written, as long as its reader takes it. */
    void close(Deadline deadline) {
        if (closed) {
            return;
        }
        closed = true;
        end();
        if (output != null) {
            awaitReader(deadline);
            output.close();
        }
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new MachineException("the console's file: " + e.getMessage(), e);
            }
        }
    }

    private void awaitReader(Deadline deadline) {
        int before;
        int left = buffer.size();
        do {
            if (deadline.atMost(READER_HAS).await(written)) {
                return;
            }
            before = left;
            left = buffer.size();
        } while (left < before && !deadline.isOver());
        LOG.warn(
                "{}: {} bytes of console output are given up: no reader takes them", machine, left);
        giveUp("its reader did not take it before the machine was closed");
    }

    @Override
    public void close() {
        close(Deadline.in(READER_HAS));
    }
}
