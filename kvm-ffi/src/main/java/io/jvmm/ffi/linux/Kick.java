// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Gets a thread out of the kernel: a signal whose handler does nothing, so that all it leaves
 * behind is the {@code EINTR} of an interrupted call.
 *
 * <p>The handler is libc's {@code labs}, a leaf function without side effects. Java code can not
 * handle signals (the virtual machine may be anywhere when one arrives), and with no handler at all
 * the signal would end the process. {@code SA_RESTART} is left off, or calls would go on waiting.
 *
 * <p>A handler is the whole process's. The first {@link #install} sets it, the last {@link #close}
 * puts back what was there. Thread-safe.
 *
 * <p>Nothing keeps other code of the process from setting a handler of its own later, so each kick
 * looks first. Another handler stays: it is called for every kick, and the kicks work all the same.
 * Where there is none any more, a kick would end the process or be lost, so the harmless one is put
 * back. {@link #takeover} tells of either.
 *
 * <p>The thread to be kicked must not block the signal ({@link Signals#unblock}), or must open it
 * inside the call that is to be interrupted.
 */
public final class Kick implements AutoCloseable {

    /** What a process does with a signal. */
    public enum Handler {
        /** What {@link Kick#install} has set, which does nothing. */
        OURS,
        /** A function that somebody has set since. */
        ANOTHER,
        /** None any more: the signal is ignored, or ends the process. */
        NONE
    }

    private static final long HARMLESS = Linux.addressOf("labs");
    private static final long SIG_DFL = 0;
    private static final long SIG_IGN = 1;

    private static final long SA_RESTORER = 0x4000000;

    // struct sigaction of the kernel, which is not libc's.
    private static final long SIGACTION_BYTES = 32;
    private static final long ACTION_HANDLER = 0;
    private static final long ACTION_FLAGS = 8;
    private static final long ACTION_RESTORER = 16;

    // A signal that the virtual machine always handles.
    private static final int SIGSEGV = 11;

    private static final @Nullable Installation[] INSTALLED =
            new @Nullable Installation[Signals.SIGRTMAX + 1];

    /** The handler of one signal: how many use it, and what was there before. */
    private static final class Installation {
        byte[] previous;
        int users;

        Installation(byte[] previous) {
            this.previous = previous;
        }
    }

    private final int signal;
    private boolean closed;
    private volatile Handler found = Handler.OURS;
    private final AtomicBoolean told = new AtomicBoolean();

    private Kick(int signal) {
        this.signal = signal;
    }

    /** Kicks by {@code SIGUSR1}; see {@link #install(int)}. */
    public static Kick install() {
        return install(Signals.SIGUSR1);
    }

    /**
     * Makes a signal harmless, for use as a kick.
     *
     * @throws IllegalStateException if the application, or the virtual machine, handles the signal
     * @throws KernelException with {@code EINVAL} if the signal can not have a handler
     */
    public static Kick install(int signal) {
        Signals.bit(signal);
        synchronized (INSTALLED) {
            Installation installation = INSTALLED[signal];
            if (installation == null) {
                installation = new Installation(setHandler(signal));
                INSTALLED[signal] = installation;
            } else {
                requireNoOther(action(signal), signal);
            }
            installation.users++;
        }
        return new Kick(signal);
    }

    private static byte[] setHandler(int signal) {
        byte[] previous = action(signal);
        requireNoOther(previous, signal);
        setHarmless(signal);
        return previous;
    }

    private static void requireNoOther(byte[] action, int signal) {
        if (handlerOf(read(action, ACTION_HANDLER)) == Handler.ANOTHER) {
            throw new IllegalStateException(
                    "signal " + signal + " has a handler already; choose another one for kicks");
        }
    }

    private static Handler handlerOf(long function) {
        if (function == HARMLESS) {
            return Handler.OURS;
        }
        return function == SIG_DFL || function == SIG_IGN ? Handler.NONE : Handler.ANOTHER;
    }

    private static void setHarmless(int signal) {
        byte[] action = new byte[(int) SIGACTION_BYTES];
        write(action, ACTION_HANDLER, HARMLESS);
        // The way back from a handler leads through a piece of libc, which libc's own sigaction(3)
        // fills in. Any handler that came that way knows it.
        write(action, ACTION_FLAGS, SA_RESTORER);
        write(action, ACTION_RESTORER, read(action(SIGSEGV), ACTION_RESTORER));
        setAction(signal, action);
    }

    private static byte[] action(int signal) {
        MemorySegment scratch = Linux.scratch();
        sigaction(signal, 0, scratch.address());
        return scratch.asSlice(0, SIGACTION_BYTES).toArray(JAVA_BYTE);
    }

    private static void setAction(int signal, byte[] action) {
        MemorySegment scratch = Linux.scratch();
        MemorySegment.copy(action, 0, scratch, JAVA_BYTE, 0, action.length);
        sigaction(signal, scratch.address(), 0);
    }

    private static void sigaction(int signal, long action, long previous) {
        KernelException.check(
                "rt_sigaction",
                Linux.call(Nr.RT_SIGACTION, signal, action, previous, Signals.SET_BYTES));
    }

    private static long read(byte[] action, long field) {
        return MemorySegment.ofArray(action).get(JAVA_LONG_UNALIGNED, field);
    }

    private static void write(byte[] action, long field, long value) {
        MemorySegment.ofArray(action).set(JAVA_LONG_UNALIGNED, field, value);
    }

    /** The signal's number. */
    public int signal() {
        return signal;
    }

    /**
     * Interrupts a thread of this process.
     *
     * @param threadId its {@link NativeThread#id()}
     */
    public void send(int threadId) {
        KernelException.check("tgkill", trySend(threadId));
    }

    /**
     * As {@link #send}: 0; {@code -ESRCH} if the thread has ended; for a real-time signal {@code
     * -EAGAIN} if too many wait already, one of which does as well.
     */
    public int trySend(int threadId) {
        synchronized (this) {
            if (closed) {
                // The default action of the signal would end the process.
                throw new IllegalStateException("the kick is closed");
            }
            guard();
            return (int) Linux.call(Nr.TGKILL, NativeThread.processId(), threadId, signal);
        }
    }

    /** Who handles the signal at this moment. One system call. */
    public Handler handler() {
        MemorySegment scratch = Linux.scratch();
        sigaction(signal, 0, scratch.address());
        return handlerOf(scratch.get(JAVA_LONG, ACTION_HANDLER));
    }

    /**
     * Whether a kick has found that the signal is not its own any more. Only the first call after
     * that answers so, so that it is reported once.
     *
     * @return what was found, or {@link Handler#OURS}
     */
    public Handler takeover() {
        Handler handler = found;
        return handler != Handler.OURS && told.compareAndSet(false, true) ? handler : Handler.OURS;
    }

    private void guard() {
        Handler handler = handler();
        if (handler == Handler.OURS) {
            return;
        }
        found = handler;
        if (handler == Handler.NONE) {
            synchronized (INSTALLED) {
                Installation installation = INSTALLED[signal];
                if (installation != null && handler() == Handler.NONE) {
                    installation.previous = action(signal);
                    setHarmless(signal);
                }
            }
        }
    }

    /**
     * Gives the signal back, unless somebody else has taken it meanwhile. A second call does
     * nothing.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        synchronized (INSTALLED) {
            Installation installation = INSTALLED[signal];
            if (installation == null || --installation.users > 0) {
                return;
            }
            INSTALLED[signal] = null;
            if (handler() != Handler.OURS) {
                return;
            }
            // A kick may still be on its way to a thread, and the previous action may be to end the
            // process. Ignoring the signal for a moment discards it, in all threads.
            byte[] ignored = new byte[(int) SIGACTION_BYTES];
            write(ignored, ACTION_HANDLER, SIG_IGN);
            setAction(signal, ignored);
            setAction(signal, installation.previous);
        }
    }
}
