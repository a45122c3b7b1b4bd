// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Signal numbers and the signal mask of the calling thread. The mask belongs to a kernel thread:
 * call these from platform threads only.
 */
public final class Signals {

    /** Terminal closed. */
    public static final int SIGHUP = 1;

    /** Interrupt from the keyboard. */
    public static final int SIGINT = 2;

    /** An access to memory that cannot be had. */
    public static final int SIGBUS = 7;

    /** Free for applications; {@link Kick} uses it unless told otherwise. */
    public static final int SIGUSR1 = 10;

    /** Used by the Java virtual machine. */
    public static final int SIGUSR2 = 12;

    /** Request to end. */
    public static final int SIGTERM = 15;

    /** Stops the process, whatever it wants. */
    public static final int SIGSTOP = 19;

    /** The largest signal number. */
    public static final int SIGRTMAX = 64;

    /** Size in bytes of the kernel's signal set, as {@code KVM_SET_SIGNAL_MASK} wants it too. */
    public static final int SET_BYTES = 8;

    private static final int SIG_BLOCK = 0;
    private static final int SIG_UNBLOCK = 1;

    // Offsets in the scratch segment.
    private static final long SET = 0;
    private static final long TIMEOUT = 8;
    private static final long PREVIOUS = 24;
    private static final long INFO = 32;

    // struct siginfo, 128 bytes.
    private static final long INFO_CODE = INFO + 8;
    private static final long INFO_ADDRESS = INFO + 16;
    private static final int BUS_MCEERR_AR = 4;

    private Signals() {}

    /** Lets the signal wait while it is blocked in this thread. */
    public static void block(int signal) {
        mask(SIG_BLOCK, bit(signal));
    }

    /** Lets the signal reach this thread. */
    public static void unblock(int signal) {
        mask(SIG_UNBLOCK, bit(signal));
    }

    /**
     * The signals that are blocked in this thread: bit {@code n - 1} stands for signal {@code n}.
     */
    public static long blocked() {
        return mask(SIG_BLOCK, 0);
    }

    /** The mask bit of a signal. */
    public static long bit(int signal) {
        if (signal < 1 || signal > SIGRTMAX) {
            throw new IllegalArgumentException("there is no signal " + signal);
        }
        return 1L << (signal - 1);
    }

    /** Sends this process a signal ({@code kill(2)}). */
    public static void raise(int signal) {
        KernelException.check("kill", Linux.call(Nr.KILL, NativeThread.processId(), signal, 0));
    }

    private static long mask(int how, long set) {
        MemorySegment scratch = Linux.scratch();
        scratch.set(JAVA_LONG, SET, set);
        KernelException.check(
                "rt_sigprocmask",
                Linux.call(
                        Nr.RT_SIGPROCMASK,
                        how,
                        scratch.address() + SET,
                        scratch.address() + PREVIOUS,
                        SET_BYTES));
        return scratch.get(JAVA_LONG, PREVIOUS);
    }

    /**
     * Takes a signal that waits for this thread, which must have blocked it.
     *
     * @return whether there was one
     */
    public static boolean takePending(int signal) {
        return take(signal, 0);
    }

    /**
     * Takes a {@link #SIGBUS} that waits for this thread, which must have blocked it: one that
     * tells of a page whose content is not to be had, such as one marked by {@code UFFDIO_POISON}.
     *
     * @return the address, or 0 if there was none that tells of a page
     */
    public static long takeMissingPage() {
        MemorySegment scratch = Linux.scratch();
        if (!take(SIGBUS, scratch.address() + INFO)) {
            return 0;
        }
        return scratch.get(JAVA_INT, INFO_CODE) == BUS_MCEERR_AR
                ? scratch.get(JAVA_LONG, INFO_ADDRESS)
                : 0;
    }

    private static boolean take(int signal, long info) {
        MemorySegment scratch = Linux.scratch();
        scratch.set(JAVA_LONG, SET, bit(signal));
        scratch.set(JAVA_LONG, TIMEOUT, 0);
        scratch.set(JAVA_LONG, TIMEOUT + Long.BYTES, 0);
        long result;
        do {
            result =
                    Linux.call(
                            Nr.RT_SIGTIMEDWAIT,
                            scratch.address() + SET,
                            info,
                            scratch.address() + TIMEOUT,
                            SET_BYTES);
        } while (Errno.EINTR.is(result));
        return !Errno.EAGAIN.is(result) && KernelException.check("rt_sigtimedwait", result) > 0;
    }
}
