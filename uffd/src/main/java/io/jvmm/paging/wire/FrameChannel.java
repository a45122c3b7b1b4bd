// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * A connection that carries frames. One thread receives; any number send, one after the other.
 *
 * <p>It ends once, with a reason: the first one counts. Whoever waits in it is woken with it.
 */
final class FrameChannel implements AutoCloseable {

    private static final int IN_BYTES = 8 << 10;
    private static final Duration LINGER = Duration.ofSeconds(1);
    // How much of what a refused peer still sends is read, so that it gets to see the reason.
    private static final int LINGER_BYTES = 4 << 20;

    private final Link link;
    private final Watchdog watchdog;
    private final AtomicReference<@Nullable WireException> end = new AtomicReference<>();

    private final FrameHeader incoming = new FrameHeader();
    private final ByteBuffer in = ByteBuffer.allocateDirect(IN_BYTES).flip();
    private int received;

    private final ReentrantLock writing = new ReentrantLock();
    private final FrameHeader outgoing = new FrameHeader();
    private final ByteBuffer out = ByteBuffer.allocateDirect(FrameHeader.BYTES);
    private int sent;
    private volatile boolean isFraming;
    private volatile @Nullable Function<Refusal, byte[]> refusal;

    private final Liveness liveness;
    private volatile boolean wasTold;
    // Open while whoever ended the channel may still tell the peer why.
    private final CountDownLatch newsOver = new CountDownLatch(1);

    /**
     * @param link closed with this object
     * @param opening how long the handshake may take, from now, in all
     */
    FrameChannel(Link link, Duration opening, Watchdog watchdog) {
        this.link = link;
        this.watchdog = watchdog;
        liveness = new Liveness(opening);
        watchdog.add(this);
    }

    String peer() {
        return link.peer();
    }

    String host() {
        return link.host();
    }

    /** Reads bytes of the handshake. */
    byte[] readMessage(int bytes) {
        byte[] message = new byte[bytes];
        need(bytes, "within the handshake");
        in.get(message);
        return message;
    }

    /** Writes bytes of the handshake. */
    void writeMessage(byte[] message) {
        writing.lock();
        try {
            write(ByteBuffer.wrap(message), Link.NOTHING);
        } finally {
            writing.unlock();
        }
    }

    /**
     * How the handshake tells that this side gives up, from here on; null if it cannot.
     *
     * @param message the message for a reason
     */
    void refuseBy(@Nullable Function<Refusal, byte[]> message) {
        refusal = message;
    }

    /** The handshake went well: errors can be told by frames from now on. */
    void beginFrames() {
        isFraming = true;
    }

    /**
     * Both sides have said what they bear.
     *
     * @param ours how long this side waits for a frame
     * @param theirs how long the peer does
     */
    void establish(Duration ours, Duration theirs) {
        liveness.establish(ours, theirs);
    }

    /**
     * Waits for the next frame's header. Its payload must be taken before the next call. The result
     * is always the same object.
     *
     * @throws WireException also if the peer tells an error
     */
    FrameHeader receive() {
        need(FrameHeader.BYTES, "within a frame");
        incoming.decode(in, received++);
        WireException ended = end.get();
        if (ended != null) {
            throw ended;
        }
        if (incoming.payloadBytes() == 0) {
            liveness.received();
        }
        if (incoming.type() == FrameType.ERROR) {
            Refusal reason = Refusal.of(incoming.detail());
            throw WireException.told(reason == null ? Refusal.MALFORMED : reason, text());
        }
        return incoming;
    }

    /**
     * Takes the payload of the frame just received.
     *
     * @param to exactly as many bytes as follow; full afterwards, its position back at their start
     * @throws WireException {@code CORRUPT}
     */
    void payload(ByteBuffer to) {
        int start = to.position();
        int fromBuffer = Math.min(to.remaining(), in.remaining());
        int limit = in.limit();
        to.put(in.limit(in.position() + fromBuffer));
        in.limit(limit);
        if (to.hasRemaining()) {
            in.clear();
            while (to.hasRemaining()) {
                read(to, in, "within a frame");
            }
            in.flip();
        }
        to.position(start);
        if (!incoming.matches(to)) {
            throw new WireException(Refusal.CORRUPT, "a payload has the wrong checksum");
        }
        liveness.received();
    }

    /** Takes the payload as text. */
    String text() {
        ByteBuffer bytes = ByteBuffer.allocateDirect(incoming.payloadBytes());
        payload(bytes);
        return StandardCharsets.UTF_8.decode(bytes).toString();
    }

    /** Reads until so many bytes are in the buffer, at most its size. */
    private void need(int bytes, String where) {
        if (in.remaining() >= bytes) {
            return;
        }
        in.compact();
        try {
            while (in.position() < bytes) {
                read(in, Link.NOTHING, in.position() == 0 ? "between two frames" : where);
            }
        } finally {
            in.flip();
        }
    }

    private void read(ByteBuffer first, ByteBuffer second, String where) {
        try {
            if (link.read(first, second) < 0) {
                throw ended(new WireException(Refusal.LOST, "the connection ended " + where));
            }
        } catch (IOException e) {
            throw ended(WireException.lost(e));
        }
    }

    /** The reason why this channel was ended, if it was, else what was seen. */
    private WireException ended(WireException seen) {
        WireException first = end.get();
        return first == null ? seen : first;
    }

    /** Sends a frame without payload. */
    void send(FrameType type, int detail, long id, long address, int length) {
        send(type, detail, id, address, length, Link.NOTHING);
    }

    /**
     * Sends a frame.
     *
     * @param payload consumed; within the type's limit
     * @throws WireException if the channel has ended, or the bytes do not get through
     */
    void send(FrameType type, int detail, long id, long address, int length, ByteBuffer payload) {
        if (payload.remaining() > type.maxPayload()) {
            throw new IllegalArgumentException(
                    "a " + type + " with " + payload.remaining() + " bytes");
        }
        writing.lock();
        try {
            WireException ended = end.get();
            if (ended != null) {
                throw ended;
            }
            frame(type, detail, id, address, length, payload);
        } finally {
            writing.unlock();
        }
    }

    private void frame(
            FrameType type, int detail, long id, long address, int length, ByteBuffer payload) {
        outgoing.set(type, detail, id, address, length).payload(payload);
        outgoing.encode(out, sent++);
        write(out, payload);
    }

    private void write(ByteBuffer first, ByteBuffer second) {
        liveness.beginWrite();
        try {
            link.write(first, second);
            liveness.written();
        } catch (IOException e) {
            liveness.broken();
            throw ended(WireException.lost(e));
        } finally {
            liveness.endWrite();
        }
    }

    /** Sends a heart-beat if nothing was sent for so long that the peer may wonder. */
    void pingIfIdle() {
        if (liveness.isPingDue() && writing.tryLock()) {
            try {
                if (end.get() == null) {
                    frame(FrameType.PING, 0, 0, 0, 0, Link.NOTHING);
                }
            } finally {
                writing.unlock();
            }
        }
    }

    /** How long the peer bears silence, divided so that it never has to. */
    long pingNanos() {
        return liveness.pingNanos();
    }

    /** Ends the channel if it takes too long. Called by the watchdog. */
    void watch(long now) {
        WireException why = end.get() == null ? liveness.judge(now) : null;
        if (why != null) {
            abortLater(why);
        }
    }

    /** Like {@link #abort}, without waiting. */
    void abortLater(WireException why) {
        try {
            Thread _ = Wire.thread("page-abort").start(() -> abort(why));
        } catch (OutOfMemoryError e) {
            // No thread can be had to tell the peer. Ended it is all the same.
            if (end.compareAndSet(null, why)) {
                newsOver.countDown();
            }
            close();
        }
    }

    /**
     * Ends the channel from any thread: tells the peer, if it takes the news at once. The receiving
     * thread gets the reason soon and then calls {@link #refuse}.
     */
    void abort(WireException why) {
        if (!end.compareAndSet(null, why)) {
            return;
        }
        // Not cancelled: who reads may wait for a peer that will never say anything.
        Watchdog.Guard _ = watchdog.guard(LINGER, this::close);
        boolean isTold;
        try {
            isTold = tell(why);
        } finally {
            newsOver.countDown();
        }
        if (!isTold || why.reason() == Refusal.SILENT) {
            close();
        }
    }

    /**
     * Ends the channel from the thread that receives: tells the peer, unless that was done, and
     * reads on for a moment, because closing on unread bytes would take the news back.
     */
    void refuse(WireException why) {
        try (Watchdog.Guard _ = watchdog.guard(LINGER, link::close)) {
            if (end.compareAndSet(null, why) ? tell(why) : wasTold()) {
                drain();
            }
        } catch (IOException e) {
            // The peer is gone; so be it.
        }
        close();
    }

    /** Whether another thread, which was first to end the channel, has told the peer why. */
    private boolean wasTold() {
        try {
            // It may be about to; closing now would cut it short.
            boolean _ = newsOver.await(LINGER.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return wasTold;
    }

    private void drain() throws IOException {
        int read = 0;
        for (int drained = 0; read >= 0 && drained < LINGER_BYTES; drained += read) {
            in.clear();
            read = link.read(in, Link.NOTHING);
        }
    }

    /** Whether the peer can be expected to read why. */
    private boolean tell(WireException why) {
        if (why.isFromPeer() || !why.reason().isTold()) {
            return false;
        }
        try {
            if (!writing.tryLock(LINGER.toMillis(), TimeUnit.MILLISECONDS)) {
                return false;
            }
            try {
                if (isFraming) {
                    ByteBuffer text = ByteBuffer.wrap(brief(String.valueOf(why.getMessage())));
                    frame(FrameType.ERROR, why.reason().code(), 0, 0, 0, text);
                } else {
                    tellByHandshake(why.reason());
                }
                link.shutdownOutput();
                wasTold = true;
                return true;
            } finally {
                writing.unlock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (IOException | WireException e) {
            return false;
        }
    }

    private void tellByHandshake(Refusal reason) {
        Function<Refusal, byte[]> message = refusal;
        if (message != null) {
            refusal = null;
            write(ByteBuffer.wrap(message.apply(reason)), Link.NOTHING);
        }
    }

    /** Text for the peer, cut to what a frame may carry. */
    static byte[] brief(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= Wire.MAX_TEXT ? bytes : Arrays.copyOf(bytes, Wire.MAX_TEXT);
    }

    /** Why it has ended; null while it has not. */
    @Nullable WireException end() {
        return end.get();
    }

    /** Ends without a word. */
    @Override
    public void close() {
        if (end.compareAndSet(null, new WireException(Refusal.LOST, "closed by this side"))) {
            newsOver.countDown();
        }
        watchdog.remove(this);
        link.close();
    }
}
