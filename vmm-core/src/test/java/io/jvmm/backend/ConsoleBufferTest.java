// SPDX-License-Identifier: Apache-2.0
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
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

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
    void aFullBufferKeepsWhatIsWrittenAndHasRoomAgainBelowItsCapacity() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        write(buffer, "a");
        assertThat(buffer.isFull()).isFalse();
        write(buffer, "b");
        assertThat(buffer.isFull()).isTrue();
        write(buffer, "c".repeat(10_000));
        assertThat(buffer.size()).isEqualTo(10_002);
        assertThat(buffer.input().readNBytes(10_000)).hasSize(10_000);
        assertThat(buffer.isFull()).isTrue();
        assertThat(buffer.input().read()).isEqualTo('c');
        assertThat(buffer.isFull()).isFalse();
        assertThat(rest(buffer)).isEqualTo("c");
        assertThat(buffer.lost()).isZero();
    }

    @Test
    void aBufferThatForgetsIsNeverFull() {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.FORGET_OLDEST);
        write(buffer, "abcdef");
        assertThat(buffer.isFull()).isFalse();
    }

    /** As a vCPU does: it writes, and waits before its guest goes on. */
    private static Thread guest(ConsoleBuffer buffer, String text, BooleanSupplier kicked) {
        return Thread.ofPlatform()
                .name("guest")
                .start(() -> {
                    for (byte b : text.getBytes(US_ASCII)) {
                        buffer.write(b);
                        buffer.awaitRoom(kicked);
                    }
                });
    }

    @Test
    void aGuestWaitsForTheReader() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        Thread guest = guest(buffer, "abc", () -> false);
        ThreadState.awaitWaiting(guest);
        assertThat(buffer.size()).isEqualTo(2);
        assertThat(buffer.input().read()).isEqualTo('a');
        ThreadState.awaitWaiting(guest);
        assertThat(buffer.input().readNBytes(2)).isEqualTo("bc".getBytes(US_ASCII));
        ThreadState.awaitEnd(guest);
        assertThat(buffer.lost()).isZero();
    }

    @Test
    void aKickEndsTheWaitAndTheByteIsKept() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(1, WhenFull.WAIT);
        AtomicBoolean kicked = new AtomicBoolean();
        Thread guest = guest(buffer, "a", kicked::get);
        ThreadState.awaitWaiting(guest);
        LockSupport.unpark(guest);
        ThreadState.awaitWaiting(guest);
        kicked.set(true);
        LockSupport.unpark(guest);
        ThreadState.awaitEnd(guest);
        assertThat(buffer.isFull()).isTrue();
        assertThat(rest(buffer)).isEqualTo("a");
    }

    @Test
    void anInterruptDoesNotEndTheWaitAndIsKept() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(1, WhenFull.WAIT);
        AtomicBoolean interrupted = new AtomicBoolean();
        buffer.write((byte) 'a');
        Thread guest =
                Thread.ofPlatform()
                        .start(() -> {
                            buffer.awaitRoom(() -> false);
                            interrupted.set(Thread.interrupted());
                        });
        ThreadState.awaitWaiting(guest);
        guest.interrupt();
        ThreadState.awaitWaiting(guest);
        assertThat(buffer.input().read()).isEqualTo('a');
        ThreadState.awaitEnd(guest);
        assertThat(interrupted).isTrue();
    }

    @Test
    void whatIsAbandonedIsCountedAndNoGuestWaitsForItsReader() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(2, WhenFull.WAIT);
        Thread guest = guest(buffer, "abcdef", () -> false);
        ThreadState.awaitWaiting(guest);
        buffer.abandon();
        ThreadState.awaitEnd(guest);
        assertThat(buffer.lost()).isEqualTo(6);
        assertThat(rest(buffer)).isEmpty();
    }

    @Test
    void whatIsLookedAtStaysUntilItIsConsumed() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(4, WhenFull.WAIT);
        write(buffer, "abc");
        assertThat(buffer.input().readNBytes(2)).hasSize(2);
        write(buffer, "def");
        byte[] seen = new byte[3];
        assertThat(buffer.peek(MemorySegment.ofArray(seen))).isEqualTo(3);
        assertThat(seen).isEqualTo("cde".getBytes(US_ASCII));
        buffer.consume(1);
        assertThat(buffer.peek(MemorySegment.ofArray(seen))).isEqualTo(3);
        assertThat(seen).isEqualTo("def".getBytes(US_ASCII));
        buffer.consume(3);
        assertThat(buffer.peek(MemorySegment.ofArray(seen))).isZero();
        assertThat(buffer.isAtEnd()).isFalse();
        buffer.end();
        assertThat(buffer.isAtEnd()).isTrue();
    }

    @Test
    void theListenerHearsTheFirstByteAndTheEnd() throws Exception {
        ConsoleBuffer buffer = new ConsoleBuffer(4, WhenFull.WAIT);
        AtomicInteger told = new AtomicInteger();
        buffer.setListener(told::incrementAndGet);
        int atOnce = told.get();
        write(buffer, "abc");
        assertThat(told).hasValue(atOnce + 1);
        assertThat(buffer.input().readNBytes(3)).hasSize(3);
        write(buffer, "d");
        assertThat(told).hasValue(atOnce + 2);
        buffer.end();
        assertThat(told).hasValue(atOnce + 3);
    }

    @Test
    void theEndReleasesTheGuestAndTheReader() throws Exception {
        ConsoleBuffer full = new ConsoleBuffer(1, WhenFull.WAIT);
        ConsoleBuffer empty = new ConsoleBuffer(1, WhenFull.WAIT);
        Thread guest = guest(full, "ab", () -> false);
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
            guests.add(guest(buffer, letter.repeat(each), () -> false));
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
