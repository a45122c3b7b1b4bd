package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.bus.IrqLine;
import io.jvmm.device.SerialPort;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;

@Timeout(60)
class ConsoleInputTest {

    private static final int DATA = 0;
    private static final int LINE_STATUS = 5;
    private static final int DATA_READY = 1;

    /** More than what waits in front of the port and in the receiver itself. */
    private static final int ROOM = 64 * 1024 + 17;

    private final SerialPort port =
            new SerialPort(
                    new IrqLine() {
                        @Override
                        public void raise() {}

                        @Override
                        public void lower() {}
                    },
                    _ -> {});

    private final ConsoleInput input = new ConsoleInput(port);

    /** The guest reads its port until that is empty. */
    private String guestReads() {
        StringBuilder text = new StringBuilder();
        while ((port.readByte(LINE_STATUS) & DATA_READY) != 0) {
            text.append((char) port.readByte(DATA));
        }
        return text.toString();
    }

    private static String pattern(int length) {
        return "0123456789".repeat(length / 10 + 1).substring(0, length);
    }

    /** Types on a thread of its own; the result is what went wrong, if anything. */
    private static final class Typist {

        private final AtomicReference<Exception> failure = new AtomicReference<>();
        private final Thread thread;

        Typist(ConsoleInput input, String text) {
            thread =
                    Thread.ofPlatform()
                            .name("typist")
                            .start(() -> {
                                try {
                                    input.write(text.getBytes(US_ASCII));
                                } catch (IOException e) {
                                    failure.set(e);
                                }
                            });
        }
    }

    @Test
    void whatIsHeldComesLater() throws IOException {
        input.hold();
        input.write("abc".getBytes(US_ASCII));
        input.sendBreak();
        assertThat(port.state().received()).isEmpty();
        assertThat(guestReads()).isEmpty();
        input.resume();
        assertThat(guestReads()).isEqualTo("\0abc");
        input.write('d');
        assertThat(guestReads()).isEqualTo("d");
    }

    @Test
    void whatIsTypedReachesTheGuestInItsOrder() throws IOException {
        input.write('a');
        input.write("bcd".getBytes(US_ASCII), 1, 2);
        assertThat(guestReads()).isEqualTo("acd");
    }

    @Test
    void aSlowGuestGetsEverythingAsItReads() throws IOException {
        String text = pattern(50_000);
        input.write(text.getBytes(US_ASCII));
        assertThat(guestReads()).isEqualTo(text);
    }

    @Test
    void theTypistWaitsForAGuestThatDoesNotRead() throws Exception {
        String text = pattern(3 * ROOM);
        Typist typist = new Typist(input, text);
        ThreadState.awaitWaiting(typist.thread);

        StringBuilder seen = new StringBuilder();
        while (seen.length() < text.length()) {
            seen.append(guestReads());
        }
        ThreadState.awaitEnd(typist.thread);
        assertThat(typist.failure).hasNullValue();
        assertThat(seen).hasToString(text);
    }

    @Test
    void closingWakesTheTypist() throws Exception {
        Typist typist = new Typist(input, pattern(ROOM));
        ThreadState.awaitWaiting(typist.thread);
        input.close();
        ThreadState.awaitEnd(typist.thread);
        assertThat(typist.failure.get()).hasMessage("the console is closed");
    }

    @Test
    void anInterruptEndsTheTyping() throws Exception {
        Typist typist = new Typist(input, pattern(ROOM));
        ThreadState.awaitWaiting(typist.thread);
        typist.thread.interrupt();
        ThreadState.awaitEnd(typist.thread);
        assertThat(typist.failure.get()).hasMessageStartingWith("interrupted");
    }

    @Test
    void aClosedConsoleLeavesThePortAlone() throws IOException {
        input.write(pattern(40).getBytes(US_ASCII));
        input.close();
        input.close();
        // The one character that a port with its FIFO off has taken.
        assertThat(guestReads()).isEqualTo(pattern(1));

        input.sendBreak();
        assertThat(guestReads()).isEmpty();
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> input.write('x'))
                .withMessage("the console is closed");
    }

    @Test
    void aBreakReachesTheGuest() {
        input.sendBreak();
        assertThat(port.readByte(LINE_STATUS) & 0x10).isEqualTo(0x10);
    }

    @Test
    void rangesAreChecked() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> input.write(new byte[2], 1, 2));
    }
}
