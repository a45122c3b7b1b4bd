// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A terminal in raw mode, until it is closed ({@code ioctl_tty(2)}, {@code termios(3)}).
 *
 * <p>In raw mode every key reaches the program as it is typed, Ctrl-C as well. Output is still
 * processed (a line feed also returns the carriage), so that log lines stay straight. Nothing
 * restores the mode if the process is killed: call {@link #close()} from a shutdown hook, too.
 */
public final class Terminal implements AutoCloseable {

    private static final long TCGETS = 0x5401;
    private static final long TCSETS = 0x5402;
    private static final long TIOCGWINSZ = 0x5413;

    // struct termios of the kernel, which is not libc's.
    private static final long TERMIOS_BYTES = 36;
    private static final long C_IFLAG = 0;
    private static final long C_CFLAG = 8;
    private static final long C_LFLAG = 12;
    private static final long C_CC = 17;

    private static final int IGNBRK = 1;
    private static final int BRKINT = 2;
    private static final int PARMRK = 8;
    private static final int ISTRIP = 0x20;
    private static final int INLCR = 0x40;
    private static final int IGNCR = 0x80;
    private static final int ICRNL = 0x100;
    private static final int IXON = 0x400;

    private static final int CSIZE = 0x30;
    private static final int CS8 = 0x30;
    private static final int PARENB = 0x100;

    private static final int ISIG = 1;
    private static final int ICANON = 2;
    private static final int ECHO = 8;
    private static final int ECHONL = 0x40;
    private static final int IEXTEN = 0x8000;

    private static final int VTIME = 5;
    private static final int VMIN = 6;

    // struct winsize
    private static final long WS_ROW = 0;
    private static final long WS_COL = 2;

    private final Fd fd;
    private final byte[] saved;
    private final byte[] raw;
    private boolean restored;

    private Terminal(Fd fd, byte[] saved, byte[] raw) {
        this.fd = fd;
        this.saved = saved;
        this.raw = raw;
    }

    /** Whether the descriptor is a terminal. */
    public static boolean isTerminal(Fd fd) {
        return fd.tryIoctl(TCGETS, Linux.scratch()) == 0;
    }

    /**
     * Switches a terminal to raw mode.
     *
     * @param fd stays open until {@link #close()}
     * @throws KernelException with {@code ENOTTY} if it is no terminal
     */
    public static Terminal raw(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(TERMIOS_BYTES, Integer.BYTES);
            fd.ioctl("TCGETS", TCGETS, termios);
            byte[] saved = termios.toArray(JAVA_BYTE);
            clear(
                    termios,
                    C_IFLAG,
                    IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
            clear(termios, C_LFLAG, ISIG | ICANON | ECHO | ECHONL | IEXTEN);
            clear(termios, C_CFLAG, CSIZE | PARENB);
            termios.set(JAVA_INT, C_CFLAG, termios.get(JAVA_INT, C_CFLAG) | CS8);
            // A read returns as soon as there is one byte.
            termios.set(JAVA_BYTE, C_CC + VMIN, (byte) 1);
            termios.set(JAVA_BYTE, C_CC + VTIME, (byte) 0);
            fd.ioctl("TCSETS", TCSETS, termios);
            return new Terminal(fd, saved, termios.toArray(JAVA_BYTE));
        }
    }

    private static void clear(MemorySegment termios, long field, int bits) {
        termios.set(JAVA_INT, field, termios.get(JAVA_INT, field) & ~bits);
    }

    /** The size of a terminal's window in characters; both are 0 where nobody has set it. */
    public record Size(int rows, int columns) {}

    /** The size of a terminal's window. */
    public static Size size(Fd fd) {
        MemorySegment winsize = Linux.scratch();
        fd.ioctl("TIOCGWINSZ", TIOCGWINSZ, winsize);
        return new Size(
                Short.toUnsignedInt(winsize.get(JAVA_SHORT, WS_ROW)),
                Short.toUnsignedInt(winsize.get(JAVA_SHORT, WS_COL)));
    }

    /**
     * Puts the terminal back as it was found, until {@link #resume}: the process is about to be
     * stopped. Nothing happens after {@link #close}.
     */
    public synchronized void suspend() {
        if (!restored) {
            set(saved);
        }
    }

    /**
     * Switches to raw mode again. What {@link #close} puts back is what was found at first: a shell
     * that continues a job may have set anything.
     */
    public synchronized void resume() {
        if (!restored) {
            set(raw);
        }
    }

    /**
     * Puts the terminal back as it was found. A second call does nothing; nor does a first one
     * after the terminal is gone.
     */
    @Override
    public synchronized void close() {
        if (restored) {
            return;
        }
        restored = true;
        set(saved);
    }

    private void set(byte[] settings) {
        MemorySegment termios = Linux.scratch();
        MemorySegment.copy(settings, 0, termios, JAVA_BYTE, 0, settings.length);
        fd.tryIoctl(TCSETS, termios);
    }
}
