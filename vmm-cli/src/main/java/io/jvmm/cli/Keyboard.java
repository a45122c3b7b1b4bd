// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.backend.ConsoleBuffer;
import io.jvmm.backend.ConsoleEscape;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Terminal;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Standard input on its way to a guest's console. A terminal is switched to raw mode, and put back
 * on every way out that a program has; there, Ctrl-A begins a key for the monitor, which is heard
 * also when the guest does not read what is typed. Input that is no terminal reaches the guest as
 * it is, as fast as the guest takes it.
 */
final class Keyboard implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Keyboard.class);
    private static final int CHUNK = 256;

    /** Keys that wait for a guest that does not read; enough for whatever is pasted. */
    private static final int TYPED_AHEAD = 1 << 20;

    private final Consumer<ConsoleEscape.Action> actions;
    private final @Nullable Terminal terminal;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition connected = lock.newCondition();
    private @Nullable OutputStream guest; // guarded by lock

    /**
     * Takes over standard input.
     *
     * @param actions does what the keys behind Ctrl-A say, but for the help
     */
    Keyboard(Consumer<ConsoleEscape.Action> actions) {
        this.actions = actions;
        Fd stdin = Fd.borrow("standard input", 0);
        this.terminal = Terminal.isTerminal(stdin) ? Terminal.raw(stdin) : null;
        if (terminal != null) {
            Runtime.getRuntime().addShutdownHook(new Thread(terminal::close, "terminal"));
            JobControl.of(terminal);
            LOG.info("Ctrl-A x stops the machine, Ctrl-A h lists more keys");
        }
        if (terminal == null) {
            startThread("keyboard", () -> forward(new FileInputStream(FileDescriptor.in)));
        } else {
            // Two threads: the one that waits for the guest must not keep Ctrl-A from being seen.
            ConsoleBuffer typed =
                    new ConsoleBuffer(TYPED_AHEAD, ConsoleBuffer.WhenFull.FORGET_OLDEST);
            startThread("keyboard", () -> watch(typed));
            startThread("typed", () -> forward(typed.input()));
        }
    }

    private static void startThread(String name, Runnable work) {
        Thread.ofPlatform().name(name).daemon(true).start(work);
    }

    private Keyboard() {
        this.actions = _ -> {};
        this.terminal = null;
    }

    /** No input at all. */
    static Keyboard none() {
        return new Keyboard();
    }

    /** From now on keys go to this guest. */
    void connect(OutputStream console) {
        lock.lock();
        try {
            guest = console;
            connected.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Keys wait for the next guest. */
    void disconnect() {
        lock.lock();
        try {
            guest = null;
        } finally {
            lock.unlock();
        }
    }

    /** Finds the monitor's keys; all others wait in the buffer for the guest. */
    private void watch(ConsoleBuffer typed) {
        ConsoleEscape escape = new ConsoleEscape();
        KeyReceiver receiver = new KeyReceiver(typed);
        byte[] chunk = new byte[CHUNK];
        try (FileInputStream in = new FileInputStream(FileDescriptor.in)) {
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                escape.accept(chunk, 0, n, receiver);
            }
        } catch (IOException e) {
            LOG.warn("standard input ends early: {}", e.getMessage());
        }
    }

    private void forward(InputStream from) {
        byte[] chunk = new byte[CHUNK];
        try (from) {
            for (int n = from.read(chunk); n >= 0; n = from.read(chunk)) {
                send(chunk, n);
            }
        } catch (IOException e) {
            LOG.warn("standard input ends early: {}", e.getMessage());
        }
    }

    private final class KeyReceiver implements ConsoleEscape.Receiver {

        private final ConsoleBuffer typed;

        KeyReceiver(ConsoleBuffer typed) {
            this.typed = typed;
        }

        @Override
        public void data(byte b) {
            typed.write(b);
        }

        @Override
        public void action(ConsoleEscape.Action action) {
            if (action == ConsoleEscape.Action.HELP) {
                System.err.print(ConsoleEscape.help());
            } else {
                actions.accept(action);
            }
        }
    }

    /** A guest that ended meanwhile does not want it any more. */
    private void send(byte[] bytes, int length) {
        OutputStream to = awaitGuest();
        try {
            to.write(bytes, 0, length);
        } catch (IOException e) {
            LOG.debug("typed input is lost: {}", e.getMessage());
        }
    }

    private OutputStream awaitGuest() {
        lock.lock();
        try {
            OutputStream to = guest;
            while (to == null) {
                connected.awaitUninterruptibly();
                to = guest;
            }
            return to;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        if (terminal != null) {
            terminal.close();
        }
    }
}
