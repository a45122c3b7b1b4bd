// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The server's side of a connection that carries memory. One thread receives requests, another one
 * answers them, the most urgent first, in pieces, so that a more urgent one passes between two.
 */
final class PageSender {

    /** Set in the numbers of what is pushed, so that they never meet those of requests. */
    static final long PUSHED = 1L << 63;

    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final int LEAST_URGENT = 255;

    private final ServerSession session;
    private final FrameChannel channel;
    private final boolean isBulk;
    private final PageEncoder encoder;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // Guarded by the lock.
    private final PriorityQueue<Wanted> queue = new PriorityQueue<>();
    private long window;
    private long lastPush;
    private boolean hasEnded;

    // Of the receiving thread.
    private long lastId = -1;

    PageSender(ServerSession session, FrameChannel channel, boolean isBulk, boolean compresses) {
        this.session = session;
        this.channel = channel;
        this.isBulk = isBulk;
        encoder = new PageEncoder(compresses);
    }

    /** Receives until the connection ends, which it does with an exception. */
    void receive() {
        while (true) {
            FrameHeader frame = channel.receive();
            switch (frame.type()) {
                case REQUEST -> request(frame);
                case CANCEL -> cancel(frame.id());
                case WINDOW -> widen(frame);
                case PING -> {}
                default ->
                        throw new WireException(
                                Refusal.MALFORMED, frame + " where memory is asked for");
            }
        }
    }

    private void request(FrameHeader frame) {
        if (frame.id() <= lastId) {
            throw new WireException(
                    Refusal.DUPLICATE, "%s after number %d".formatted(frame, lastId));
        }
        lastId = frame.id();
        if (frame.length() < 0 || frame.length() > Wire.MAX_REQUEST) {
            throw new WireException(Refusal.OVERSIZE, frame.toString());
        }
        if (session.image().layout().page(frame.address(), frame.length()) < 0) {
            throw new WireException(Refusal.OUT_OF_LAYOUT, frame.toString());
        }
        lock.lock();
        try {
            if (queue.size() >= Wire.MAX_OUTSTANDING) {
                throw new WireException(
                        Refusal.FLOOD, "more than " + Wire.MAX_OUTSTANDING + " open requests");
            }
            queue.add(new Wanted(frame.id(), frame.detail(), frame.address(), frame.length()));
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void cancel(long id) {
        if (id > lastId || id < 0) {
            throw new WireException(Refusal.MALFORMED, "cancels " + id + ", never asked for");
        }
        lock.lock();
        try {
            // Answered already if it is not there.
            for (Wanted wanted : queue) {
                if (wanted.id == id) {
                    wanted.isCancelled = true;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void widen(FrameHeader frame) {
        long more = frame.address();
        lock.lock();
        try {
            if (!isBulk || more < 0 || more > Wire.MAX_WINDOW - window) {
                throw new WireException(Refusal.MALFORMED, frame.toString());
            }
            window += more;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Something may have become ready to be pushed. */
    void wake() {
        lock.lock();
        try {
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Has the sending thread end. */
    void end() {
        lock.lock();
        try {
            hasEnded = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Sends until the connection ends; for a thread of its own. */
    void send() {
        try {
            for (Wanted next = next(); next != null; next = next()) {
                if (next.isCancelled) {
                    remove(next);
                    channel.send(FrameType.CANCELLED, 0, next.id, 0, 0);
                } else {
                    if (!next.isAnnounced) {
                        next.isAnnounced = true;
                        channel.send(FrameType.PUSH, 0, next.id, next.gpa, next.length);
                    }
                    piece(next);
                }
            }
        } catch (WireException e) {
            // The receiving thread sees the same, or the watchdog ends it.
        } catch (RuntimeException | Error e) {
            channel.abort(new WireException(Refusal.SOURCE, "the server has failed: " + e));
            throw e;
        } finally {
            encoder.close();
        }
    }

    private void remove(Wanted wanted) {
        lock.lock();
        try {
            queue.remove(wanted);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for what to send next; it stays in the queue. Null at the end. */
    private @Nullable Wanted next() {
        lock.lock();
        try {
            while (!hasEnded) {
                Wanted first = queue.peek();
                if (first != null) {
                    return first;
                }
                Wanted push = push();
                if (push != null) {
                    queue.add(push);
                    return push;
                }
                changed.await(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
        return null;
    }

    private @Nullable Wanted push() {
        if (!isBulk) {
            return null;
        }
        long run = session.nextPush(window / PAGE);
        if (run < 0) {
            return null;
        }
        int length = (int) (run >>> 44) * PAGE;
        long gpa = session.image().layout().gpa(run & (1L << 44) - 1);
        window -= length;
        Wanted push = new Wanted(PUSHED | lastPush++, LEAST_URGENT, gpa, length);
        push.isAnnounced = false;
        return push;
    }

    private void piece(Wanted wanted) {
        int length = Math.min(wanted.length, Wire.MAX_PAYLOAD);
        long gpa = wanted.gpa;
        try {
            session.image().read(gpa, encoder.piece(length));
        } catch (IOException e) {
            remove(wanted);
            session.unreadable(gpa, e);
            ByteBuffer text = ByteBuffer.wrap(FrameChannel.brief(String.valueOf(e.getMessage())));
            channel.send(
                    FrameType.FAILED, Refusal.SOURCE.code(), wanted.id, gpa, wanted.length, text);
            return;
        }
        // Before the client can have it, and thus before it can say that it has.
        session.delivered()
                .set(session.image().layout().page(gpa, length), length / PageLayout.PAGE_BYTES);
        if (length == wanted.length) {
            remove(wanted);
        } else {
            wanted.advance(length);
        }
        encoder.send(channel, wanted.id, gpa, length);
    }
}
