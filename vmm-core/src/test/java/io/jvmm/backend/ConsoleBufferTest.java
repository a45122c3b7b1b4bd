package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.backend.ConsoleBuffer.WhenFull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

@Timeout(60)
class ConsoleBufferTest {

    private static void write(ConsoleBuffer buffer, String text) {
        for (byte b : text.getBytes(US_ASCII)) {
            buffer.write(b);
        }
    }

    private static String rest(ConsoleBuffer buffer) throws IOException {
        buffer.end();
        return new String(buffer.input().readAllBytes(), US_ASCII);
    }

    @Test
    void whatIsWrittenIsReadInItsOrder() throws IOException {
        ConsoleBuffer buffer = new ConsoleBuffer(4, WhenFull.WAIT);
        InputStream in = buffer.input();
        write(buffer, "abc");
        assertThat(in.available()).isEqualTo(3);
        assertThat(in.read()).isEqualTo('a');
        write(buffer, "de");
        assertThat(in.read(new byte[9], 1, 0)).isZero();
        assertThat(in.readNBytes(3)).isEqualTo("bcd".getBytes(US_ASCII));
        assertThat(rest(buffer)).isEqualTo("e");
        assertThat(buffer.lost()).isZero();
    }

    @Test
    void aByteAbove127IsNoEnd() throws IOException {
        ConsoleBuffer buffer = new ConsoleBuffer(4, WhenFull.WAIT);
        buffer.write((byte) 0xFF);
        assertThat(buffer.input().read()).isEqualTo(0xFF);
    }

    @Test
    void aFullBufferForgetsTheOldestAndCountsThem() throws IOException {
        ConsoleBuffer buffer = new ConsoleBuffer(4, WhenFull.FORGET_OLDEST);
        write(buffer, "0123456789");
        assertThat(buffer.lost()).isEqualTo(6);
        assertThat(rest(buffer)).isEqualTo("6789");
    }

    @Test
    void aFullBufferMakesTheGuestWaitForTheReader() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        write(buffer, "ab");
        Thread guest = Thread.ofPlatform().name("guest").start(() -> write(buffer, "c"));
        ThreadState.awaitWaiting(guest);
        assertThat(buffer.input().read()).isEqualTo('a');
        ThreadState.awaitEnd(guest);
        assertThat(rest(buffer)).isEqualTo("bc");
        assertThat(buffer.lost()).isZero();
    }

    @Test
    void aReleasedGuestNeverWaitsAgain() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        Thread guest = Thread.ofPlatform().name("guest").start(() -> write(buffer, "abcdef"));
        ThreadState.awaitWaiting(guest);
        buffer.release();
        ThreadState.awaitEnd(guest);
        assertThat(buffer.lost()).isEqualTo(4);
        assertThat(rest(buffer)).isEqualTo("ef");
    }

    @Test
    void aGuestThatIsLetThroughLosesNothingAndWaitsAgainLater() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        Thread guest = Thread.ofPlatform().name("guest").start(() -> write(buffer, "abcdef"));
        ThreadState.awaitWaiting(guest);
        buffer.letThrough(true);
        ThreadState.awaitEnd(guest);
        buffer.letThrough(false);
        Thread later = Thread.ofPlatform().name("later").start(() -> write(buffer, "g"));
        ThreadState.awaitWaiting(later);
        assertThat(new String(buffer.input().readNBytes(5), US_ASCII)).isEqualTo("abcde");
        ThreadState.awaitEnd(later);
        assertThat(buffer.lost()).isZero();
        assertThat(rest(buffer)).isEqualTo("fg");
    }

    @Test
    void theEndReleasesTheGuestAndTheReader() throws Exception {
        ConsoleBuffer full = new ConsoleBuffer(1, WhenFull.WAIT);
        ConsoleBuffer empty = new ConsoleBuffer(1, WhenFull.WAIT);
        Thread guest = Thread.ofPlatform().name("guest").start(() -> write(full, "ab"));
        AtomicReference<Object> end = new AtomicReference<>();
        Thread reader =
                Thread.ofPlatform()
                        .name("reader")
                        .start(() -> {
                            try {
                                end.set(empty.input().read());
                            } catch (IOException e) {
                                end.set(e);
                            }
                        });
        ThreadState.awaitWaiting(guest);
        ThreadState.awaitWaiting(reader);
        full.end();
        empty.end();
        ThreadState.awaitEnd(guest);
        ThreadState.awaitEnd(reader);
        assertThat(end.get()).isEqualTo(-1);
    }

    @Test
    void whatIsLeftIsReadBeforeTheEndAndTheEndStays() throws IOException {
        ConsoleBuffer buffer = new ConsoleBuffer(8, WhenFull.FORGET_OLDEST);
        write(buffer, "left");
        buffer.end();
        try (InputStream in = buffer.input()) {
            assertThat(in.readAllBytes()).isEqualTo("left".getBytes(US_ASCII));
            assertThat(in.read()).isEqualTo(-1);
            assertThat(in.read(new byte[3])).isEqualTo(-1);
        }
    }

    @Test
    void anInterruptEndsTheReadAndNotTheConsole() throws IOException {
        ConsoleBuffer buffer = new ConsoleBuffer(8, WhenFull.WAIT);
        Thread.currentThread().interrupt();
        assertThatExceptionOfType(InterruptedIOException.class)
                .isThrownBy(() -> buffer.input().read());
        assertThat(Thread.interrupted()).isTrue();
        write(buffer, "x");
        assertThat(rest(buffer)).isEqualTo("x");
    }

    @Test
    void manyVcpusLoseNothingToOneReader() throws Exception {
        int vcpus = 4;
        int each = 20_000;
        ConsoleBuffer buffer = new ConsoleBuffer(61, WhenFull.WAIT);
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        Thread reader =
                Thread.ofPlatform()
                        .name("reader")
                        .start(() -> {
                            try (InputStream in = buffer.input()) {
                                in.transferTo(seen);
                            } catch (IOException e) {
                                throw new AssertionError(e);
                            }
                        });
        List<Thread> guests = new ArrayList<>();
        for (int vcpu = 0; vcpu < vcpus; vcpu++) {
            String letter = Character.toString('a' + vcpu);
            guests.add(Thread.ofPlatform().start(() -> write(buffer, letter.repeat(each))));
        }
        for (Thread guest : guests) {
            ThreadState.awaitEnd(guest);
        }
        buffer.end();
        ThreadState.awaitEnd(reader);
        String text = seen.toString(US_ASCII);
        for (int vcpu = 0; vcpu < vcpus; vcpu++) {
            int letter = 'a' + vcpu;
            assertThat(text.chars().filter(c -> c == letter).count()).isEqualTo(each);
        }
        assertThat(buffer.lost()).isZero();
    }
}
