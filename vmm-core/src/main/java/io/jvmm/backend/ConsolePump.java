// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Carries a console's output to a stream, on a thread of its own: a stream that blocks (a slow
 * disk, an embedder's) blocks this thread and never one of a vCPU or of the event loop.
 */
final class ConsolePump implements ConsoleOutput {

    private static final int CHUNK = 8192;

    private final ConsoleBuffer from;
    private final OutputStream to;
    private final Owner owner;
    private final Thread thread;
    private final AtomicBoolean told = new AtomicBoolean();

    private ConsolePump(ConsoleBuffer from, OutputStream to, String name, Owner owner) {
        this.from = from;
        this.to = to;
        this.owner = owner;
        this.thread = Thread.ofPlatform().name(name).daemon(true).unstarted(this::run);
    }

    static ConsolePump start(ConsoleBuffer from, OutputStream to, String name, Owner owner) {
        ConsolePump pump = new ConsolePump(from, to, name, owner);
        pump.thread.start();
        return pump;
    }

    private void run() {
        try {
            carry();
            end(null);
        } catch (IOException | RuntimeException e) {
            String why = String.valueOf(e.getMessage());
            if (!told.get()) {
                owner.broken(why);
            }
            giveUp(why);
        } catch (InterruptedException e) {
            giveUp("its thread was interrupted");
        } catch (Throwable e) {
            giveUp(e.toString());
            owner.failed(e);
        }
    }

    private void carry() throws IOException, InterruptedException {
        byte[] chunk = new byte[CHUNK];
        MemorySegment segment = MemorySegment.ofArray(chunk);
        while (from.awaitInput()) {
            int count = from.peek(segment);
            to.write(chunk, 0, count);
            to.flush();
            from.consume(count);
        }
    }

    @Override
    public void giveUp(String why) {
        from.abandon();
        end(why);
    }

    private void end(@Nullable String why) {
        if (told.compareAndSet(false, true)) {
            owner.ended(why);
        }
    }

    /** A thread that is in a write which does not return ends with its process. */
    @Override
    public void close() {
        giveUp("the machine was closed");
    }
}
