package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jvmm.backend.ConsoleBuffer.WhenFull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class ConsolePumpTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final int CAPACITY = 1000;

    private final ConsoleBuffer buffer = new ConsoleBuffer(CAPACITY, WhenFull.WAIT);

    private void guestWrites(String text) {
        for (byte b : text.getBytes(US_ASCII)) {
            buffer.write(b);
        }
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
        ConsolePump pump = ConsolePump.start(buffer, to, "pump");
        String text = "0123456789".repeat(CAPACITY);
        guestWrites(text);
        buffer.end();
        assertThat(pump.drain(LONG)).isTrue();
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
        ConsolePump pump = ConsolePump.start(buffer, to, "pump");
        guestWrites("login: ");
        flushes.acquire();
        buffer.end();
        assertThat(pump.drain(LONG)).isTrue();
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
        ConsolePump pump = ConsolePump.start(buffer, to, "pump");
        guestWrites("x".repeat(100 * CAPACITY));
        buffer.end();
        assertThat(pump.drain(LONG)).isTrue();
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
        ConsolePump pump = ConsolePump.start(buffer, to, "pump");
        guestWrites("x");
        blocked.await();
        Thread guest =
                Thread.ofPlatform()
                        .name("guest")
                        .start(() -> guestWrites("y".repeat(2 * CAPACITY)));
        ThreadState.awaitWaiting(guest);

        buffer.release();
        ThreadState.awaitEnd(guest);
        buffer.end();
        assertThat(pump.drain(Duration.ofMillis(50))).isFalse();

        reader.countDown();
        assertThat(pump.drain(LONG)).isTrue();
    }
}
