// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

class TerminalTest {

    private static final int O_NOCTTY = 0x100;
    private static final long TCGETS = 0x5401;
    private static final long TIOCSWINSZ = 0x5414;
    private static final long TIOCGPTN = Ioctl.ior('T', 0x30, Integer.BYTES);
    private static final long TIOCSPTLCK = Ioctl.iow('T', 0x31, Integer.BYTES);

    /** Both ends of a pseudo terminal. */
    private record Pty(Fd keyboard, Fd terminal) implements AutoCloseable {
        static Pty open() {
            Fd keyboard = Fd.open("/dev/ptmx", Fd.O_RDWR | O_NOCTTY);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment number = arena.allocateFrom(ValueLayout.JAVA_INT, 0);
                keyboard.ioctl("TIOCSPTLCK", TIOCSPTLCK, number);
                keyboard.ioctl("TIOCGPTN", TIOCGPTN, number);
                String path = "/dev/pts/" + number.get(ValueLayout.JAVA_INT, 0);
                return new Pty(keyboard, Fd.open(path, Fd.O_RDWR | O_NOCTTY));
            }
        }

        @Override
        public void close() {
            terminal.close();
            keyboard.close();
        }
    }

    @Test
    void letsEveryKeyThroughUntilItIsClosed() {
        try (Pty pty = Pty.open();
                Arena arena = Arena.ofConfined()) {
            byte[] before = settings(pty.terminal());
            Terminal raw = Terminal.raw(pty.terminal());
            assertThat(settings(pty.terminal())).isNotEqualTo(before);

            // Ctrl-C without a line feed: a terminal in its usual mode would send a signal instead.
            pty.keyboard().write(arena.allocate(1).fill((byte) 3));
            MemorySegment buffer = arena.allocate(8);
            assertThat(pty.terminal().read(buffer)).isEqualTo(1);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 3);

            raw.close();
            raw.close();
            assertThat(settings(pty.terminal())).isEqualTo(before);
        }
    }

    @Test
    void keepsLinesStraight() {
        try (Pty pty = Pty.open();
                Arena arena = Arena.ofConfined();
                Terminal _ = Terminal.raw(pty.terminal())) {
            pty.terminal().write(arena.allocate(1).fill((byte) '\n'));
            MemorySegment buffer = arena.allocate(8);
            assertThat(pty.keyboard().read(buffer)).isEqualTo(2);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) '\r');
        }
    }

    @Test
    void knowsItsSize() {
        try (Pty pty = Pty.open();
                Arena arena = Arena.ofConfined()) {
            MemorySegment winsize =
                    arena.allocateFrom(
                            ValueLayout.JAVA_SHORT, (short) 24, (short) 80, (short) 0, (short) 0);
            pty.terminal().ioctl("TIOCSWINSZ", TIOCSWINSZ, winsize);
            assertThat(Terminal.size(pty.terminal())).isEqualTo(new Terminal.Size(24, 80));
        }
    }

    @Test
    void tellsTerminalsFromOtherFiles() {
        try (Pty pty = Pty.open();
                Fd file = Fd.open("/dev/null", Fd.O_RDWR)) {
            assertThat(Terminal.isTerminal(pty.terminal())).isTrue();
            assertThat(Terminal.isTerminal(file)).isFalse();
            assertThatThrownBy(() -> Terminal.raw(file))
                    .isInstanceOf(KernelException.class)
                    .hasMessageStartingWith("TCGETS: ENOTTY (25)");
            assertThatThrownBy(() -> Terminal.size(file))
                    .hasMessageStartingWith("TIOCGWINSZ: ENOTTY (25)");
        }
    }

    private static byte[] settings(Fd terminal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment termios = arena.allocate(36, 4);
            terminal.ioctl("TCGETS", TCGETS, termios);
            return termios.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
