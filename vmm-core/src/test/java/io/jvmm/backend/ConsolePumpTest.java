// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.backend.ConsoleBuffer.WhenFull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class ConsolePumpTest {

    private static final int CAPACITY = 1000;

    private final ConsoleBuffer buffer = new ConsoleBuffer(CAPACITY, WhenFull.WAIT);

    private final EndOfOutput end = new EndOfOutput();

    private void guestWrites(String text) {
        for (byte b : text.getBytes(US_ASCII)) {
            buffer.write(b);
            buffer.awaitRoom(() -> false);
        }
    }

    private ConsoleOutput start(OutputStream to) {
        return ConsoleOutput.toStream(buffer, to, "pump", end);
    }

    @Test
    void everythingIsCarriedAndTheStreamStaysOpen() {
        AtomicInteger closed = new AtomicInteger();
        ByteArrayOutputStream to =
                new ByteArrayOutputStream() {
                    @Override
                    public void close() {
                        closed.incrementAndGet();
                    }
                };
        start(to);
        String text = "0123456789".repeat(CAPACITY);
        guestWrites(text);
        buffer.end();
        assertThat(end.await()).isEmpty();
        assertThat(to.toString(US_ASCII)).isEqualTo(text);
        assertThat(closed).hasValue(0);
    }

    @Test
    void aPromptWithoutLineEndIsFlushed() throws InterruptedException {
        Semaphore flushes = new Semaphore(0);
        OutputStream to =
                new ByteArrayOutputStream() {
                    @Override
                    public void flush() {
                        flushes.release();
                    }
                };
        start(to);
        guestWrites("login: ");
        flushes.acquire();
        buffer.end();
        assertThat(end.await()).isEmpty();
    }

    /** Writes what comes first, then fails for good. */
    private static final class FailingStream extends OutputStream {

        private final RuntimeException unchecked;
        private final boolean isUnchecked;
        private final AtomicInteger writes = new AtomicInteger();

        FailingStream(boolean isUnchecked) {
            this.isUnchecked = isUnchecked;
            this.unchecked = new IllegalStateException("broken");
        }

        @Override
        public void write(int b) throws IOException {
            writes.incrementAndGet();
            if (isUnchecked) {
                throw unchecked;
            }
            throw new IOException("Broken pipe");
        }
    }

    @Test
    void aStreamThatFailsIsToldOnceAndTheGuestGoesOn() {
        goesOnAfterFailure(new FailingStream(false));
    }

    @Test
    void aStreamThatThrowsTheUnexpectedDoesNotStopTheGuestEither() {
        goesOnAfterFailure(new FailingStream(true));
    }

    private void goesOnAfterFailure(FailingStream to) {
        start(to);
        guestWrites("x".repeat(100 * CAPACITY));
        buffer.end();
        assertThat(end.await())
                .hasValueSatisfying(why -> assertThat(why).containsIgnoringCase("broken"));
        assertThat(end.broken()).isEqualTo(1);
        assertThat(buffer.lost()).isEqualTo(100L * CAPACITY);
        assertThat(to.writes).hasValue(1);
    }

    @Test
    void aStreamThatBlocksHoldsUpOnlyThePump() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch reader = new CountDownLatch(1);
        OutputStream to =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        blocked.countDown();
                        try {
                            reader.await();
                        } catch (InterruptedException e) {
                            throw new IOException(e);
                        }
                    }
                };
        ConsoleOutput pump = start(to);
        guestWrites("x");
        blocked.await();
        Thread guest =
                Thread.ofPlatform()
                        .name("guest")
                        .start(() -> guestWrites("y".repeat(2 * CAPACITY)));
        ThreadState.awaitWaiting(guest);

        pump.giveUp("tired");
        ThreadState.awaitEnd(guest);
        buffer.end();
        assertThat(end.await()).contains("tired");
        assertThat(buffer.lost()).isEqualTo(1 + 2L * CAPACITY);
        reader.countDown();
    }

    @Test
    void anErrorInAStreamIsAFailureOfTheMonitorAndTheGuestDoesNotWait() throws Exception {
        OutputStream to =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        throw new OutOfMemoryError("planted");
                    }
                };
        start(to);
        guestWrites("x".repeat(2 * CAPACITY));
        assertThat(end.await()).isPresent();
        assertThat(end.failure()).isInstanceOf(OutOfMemoryError.class);
    }
}
