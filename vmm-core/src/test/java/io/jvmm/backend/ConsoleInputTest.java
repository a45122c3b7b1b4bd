// SPDX-License-Identifier: Apache-2.0
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
    private static final int INTERRUPT_ENABLE = 1;
    private static final int FIFO_CONTROL = 2;
    private static final int INTERRUPT_IDENTIFY = 2;
    private static final int LINE_CONTROL = 3;
    private static final int MODEM_CONTROL = 4;
    private static final int LINE_STATUS = 5;
    private static final int MODEM_STATUS = 6;
    private static final int RECEIVE_INTERRUPT = 1;
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

    private void guestListens() {
        port.writeByte(INTERRUPT_ENABLE, RECEIVE_INTERRUPT);
    }

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
        guestListens();
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
        guestListens();
        input.write('a');
        input.write("bcd".getBytes(US_ASCII), 1, 2);
        assertThat(guestReads()).isEqualTo("acd");
    }

    @Test
    void aSlowGuestGetsEverythingAsItReads() throws IOException {
        guestListens();
        String text = pattern(50_000);
        input.write(text.getBytes(US_ASCII));
        assertThat(guestReads()).isEqualTo(text);
    }

    @Test
    void theTypistWaitsForAGuestThatDoesNotRead() throws Exception {
        guestListens();
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

    private void clearFifos() {
        port.writeByte(FIFO_CONTROL, 0x01);
        port.writeByte(FIFO_CONTROL, 0x07);
        port.writeByte(FIFO_CONTROL, 0x00);
    }

    private void clearInterrupts() {
        port.readByte(LINE_STATUS);
        port.readByte(DATA);
        port.readByte(INTERRUPT_IDENTIFY);
        port.readByte(MODEM_STATUS);
    }

    private void print(String line) {
        int enabled = port.readByte(INTERRUPT_ENABLE);
        port.writeByte(INTERRUPT_ENABLE, 0);
        for (int i = 0; i < line.length(); i++) {
            port.readByte(LINE_STATUS);
            port.writeByte(DATA, line.charAt(i));
        }
        port.readByte(LINE_STATUS);
        port.writeByte(INTERRUPT_ENABLE, enabled);
    }

    /** What Linux's 8250 driver does when it looks for a port, in its order. */
    private void driverProbes() {
        int enabled = port.readByte(INTERRUPT_ENABLE);
        port.writeByte(INTERRUPT_ENABLE, 0);
        port.writeByte(INTERRUPT_ENABLE, 0x0f);
        port.readByte(INTERRUPT_ENABLE);
        port.writeByte(INTERRUPT_ENABLE, enabled);
        int modem = port.readByte(MODEM_CONTROL);
        port.writeByte(MODEM_CONTROL, 0x1a);
        port.readByte(MODEM_STATUS);
        port.writeByte(MODEM_CONTROL, modem);
        port.writeByte(LINE_CONTROL, 0);
        port.writeByte(FIFO_CONTROL, 0x01);
        port.readByte(INTERRUPT_IDENTIFY);
        clearFifos();
        port.readByte(DATA);
        port.writeByte(INTERRUPT_ENABLE, 0);
    }

    /** And when the port is opened; then its mode is set, which enables the FIFOs. */
    private void driverStarts() {
        clearFifos();
        clearInterrupts();
        port.readByte(LINE_STATUS);
        port.writeByte(LINE_CONTROL, 3);
        port.readByte(LINE_STATUS);
        port.writeByte(INTERRUPT_ENABLE, 2);
        port.readByte(INTERRUPT_IDENTIFY);
        port.writeByte(INTERRUPT_ENABLE, 0);
        clearInterrupts();
        port.writeByte(INTERRUPT_ENABLE, 0x05);
        port.writeByte(LINE_CONTROL, 0x93);
        port.writeByte(DATA, 1);
        port.writeByte(LINE_CONTROL, 0x13);
        port.writeByte(FIFO_CONTROL, 0x01);
        port.writeByte(FIFO_CONTROL, 0x81);
    }

    private void driverStops() {
        port.writeByte(INTERRUPT_ENABLE, 0);
        clearFifos();
        port.readByte(DATA);
    }

    @Test
    void inputFromBeforeTheDriverStartsIsNotLostWhenItClearsTheReceiver() throws IOException {
        String text = pattern(300);
        input.write(text.getBytes(US_ASCII));
        for (int line = 0; line < 30; line++) {
            print("early message\r\n");
        }
        driverProbes();
        print("ttyS0 at I/O 0x3f8\r\n");
        driverStarts();
        StringBuilder seen = new StringBuilder();
        for (int i = 0; i < 20; i++) {
            seen.append((char) port.readByte(DATA));
        }
        print("welcome\r\n");
        // Closed and opened again, as init does: the receiver is full meanwhile.
        driverStops();
        print("restart\r\n");
        driverStarts();
        seen.append(guestReads());
        assertThat(seen).hasToString(text);
    }

    @Test
    void inputWaitsUntilTheGuestEnablesTheReceiveInterrupt() throws IOException {
        input.write("abc".getBytes(US_ASCII));
        print("not for input\r\n");
        assertThat(port.state().received()).isEmpty();
        guestListens();
        assertThat(port.state().received()).containsExactly((int) 'a');
        assertThat(guestReads()).isEqualTo("abc");
    }

    @Test
    void inputWaitsUntilTheGuestPollsTheLineStatus() throws IOException {
        input.write("abc".getBytes(US_ASCII));
        int looks = 0;
        while ((port.readByte(LINE_STATUS) & DATA_READY) == 0) {
            looks++;
        }
        assertThat(looks).isBetween(2, 20);
        // It answers each character, and goes on polling.
        StringBuilder seen = new StringBuilder();
        for (int i = 0; i < 3; i++) {
            assertThat(port.readByte(LINE_STATUS) & DATA_READY).isEqualTo(DATA_READY);
            seen.append((char) port.readByte(DATA));
            port.writeByte(DATA, '.');
        }
        assertThat(seen).hasToString("abc");
    }

    @Test
    void aGuestThatDrawsWhileItPollsGetsItsInputToo() throws IOException {
        input.write('a');
        for (int i = 0; i < 20 && (port.readByte(LINE_STATUS) & DATA_READY) == 0; i++) {
            port.readByte(LINE_STATUS);
            port.writeByte(DATA, '|');
        }
        assertThat(guestReads()).isEqualTo("a");
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
        guestListens();
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
