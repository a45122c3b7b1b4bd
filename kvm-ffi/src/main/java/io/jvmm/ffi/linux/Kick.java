package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

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
 * <p>The thread to be kicked must not block the signal: {@link Signals#unblock}.
 */
public final class Kick implements AutoCloseable {

    private static final String HANDLER = "labs";
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
        final byte[] previous;
        int users;

        Installation(byte[] previous) {
            this.previous = previous;
        }
    }

    private final int signal;
    private boolean closed;

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
            }
            installation.users++;
        }
        return new Kick(signal);
    }

    private static byte[] setHandler(int signal) {
        byte[] previous = action(signal);
        long handler = read(previous, ACTION_HANDLER);
        long harmless = Linux.addressOf(HANDLER);
        if (handler != SIG_DFL && handler != SIG_IGN && handler != harmless) {
            throw new IllegalStateException(
                    "signal " + signal + " has a handler already; choose another one for kicks");
        }
        byte[] action = new byte[(int) SIGACTION_BYTES];
        write(action, ACTION_HANDLER, harmless);
        // The way back from a handler leads through a piece of libc, which libc's own sigaction(3)
        // fills in. Any handler that came that way knows it.
        write(action, ACTION_FLAGS, SA_RESTORER);
        write(action, ACTION_RESTORER, read(action(SIGSEGV), ACTION_RESTORER));
        setAction(signal, action);
        return previous;
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

    /** As {@link #send}: 0, or {@code -ESRCH} if the thread has ended. */
    public int trySend(int threadId) {
        synchronized (this) {
            if (closed) {
                // The default action of the signal would end the process.
                throw new IllegalStateException("the kick is closed");
            }
            return (int) Linux.call(Nr.TGKILL, NativeThread.processId(), threadId, signal);
        }
    }

    /** Gives the signal back. A second call does nothing. */
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
            // A kick may still be on its way to a thread, and the previous action may be to end the
            // process. Ignoring the signal for a moment discards it, in all threads.
            byte[] ignored = new byte[(int) SIGACTION_BYTES];
            write(ignored, ACTION_HANDLER, SIG_IGN);
            setAction(signal, ignored);
            setAction(signal, installation.previous);
        }
    }
}
