// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The client's side of a connection that carries memory. One thread receives, straight into the
 * memory of whoever asked; requests are sent by the threads that ask.
 *
 * <p>Never more than {@link #PIPELINE} requests are unanswered here. They and their withdrawals fit
 * into any socket's buffer, so sending one does not wait, whatever the server does.
 */
final class Lane {

    static final int PIPELINE = 64;

    private final FrameChannel channel;
    private final PageLayout layout;
    private final Outstanding outstanding;
    private final PageSink sink;
    private final boolean isUrgent;
    private final boolean isBulk;
    private final boolean inflates;

    // Of the receiving thread.
    private final SegmentView view = new SegmentView();
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(Wire.MAX_PAYLOAD);
    private final Inflater inflater = new Inflater();
    private long pushId = -1;
    private long pushGpa;
    private int pushLeft;
    private int pushLength;
    private @Nullable Slot pushSlot;
    private long window;

    private final AtomicInteger inFlight = new AtomicInteger();
    private final ReentrantLock sending = new ReentrantLock();
    // Guarded by the lock for sending.
    private long askId;
    private long askGpa;
    private int askLength;
    private int askPriority;

    private final Object withdrawal = new Object();
    // Guarded by the object above.
    private long[] withdrawn = new long[PIPELINE];
    private int withdrawals;

    /**
     * @param carriesUrgent whether urgent requests go here
     * @param carriesBulk whether the others do
     * @param inflates whether the server was told that compressed pages are welcome
     * @param sink takes what is pushed, and the news
     * @param window bytes that may be pushed at a time; 0 for none
     */
    Lane(
            FrameChannel channel,
            PageLayout layout,
            Outstanding outstanding,
            boolean carriesUrgent,
            boolean carriesBulk,
            boolean inflates,
            PageSink sink,
            long window) {
        this.channel = channel;
        this.layout = layout;
        this.outstanding = outstanding;
        isUrgent = carriesUrgent;
        isBulk = carriesBulk;
        this.inflates = inflates;
        this.sink = sink;
        this.window = window;
    }

    boolean carries(Priority priority) {
        return priority == Priority.URGENT ? isUrgent : isBulk;
    }

    int inFlight() {
        return inFlight.get();
    }

    /** Pages that the server pushes are as good as asked for; called with the table's lock. */
    void pushBegun() {
        inFlight.incrementAndGet();
    }

    /** A request of this connection is answered; called with the table's lock. */
    void settled() {
        inFlight.decrementAndGet();
    }

    /** What to ask for next; called by the table within {@link #pump}. */
    void ask(long id, long gpa, int length, Priority priority) {
        askId = id;
        askGpa = gpa;
        askLength = length;
        askPriority =
                switch (priority) {
                    case URGENT -> 0;
                    case PREFETCH -> 1;
                    case SWEEP -> 2;
                };
    }

    /** Has a request withdrawn with the next {@link #pump}; called with the table's lock. */
    void withdraw(long id) {
        synchronized (withdrawal) {
            if (withdrawals == withdrawn.length) {
                withdrawn = Arrays.copyOf(withdrawn, 2 * withdrawals);
            }
            withdrawn[withdrawals++] = id;
        }
    }

    private long takeWithdrawn() {
        synchronized (withdrawal) {
            return withdrawals == 0 ? -1 : withdrawn[--withdrawals];
        }
    }

    /**
     * Sends withdrawals and so many requests, as far as there are any.
     *
     * @return whether it sent a request
     */
    boolean pump(int most) {
        sending.lock();
        try {
            for (long id = takeWithdrawn(); id >= 0; id = takeWithdrawn()) {
                channel.send(FrameType.CANCEL, 0, id, 0, 0);
            }
            int sent = 0;
            while (sent < most && inFlight.get() < PIPELINE && outstanding.next(this)) {
                inFlight.incrementAndGet();
                channel.send(FrameType.REQUEST, askPriority, askId, askGpa, askLength);
                sent++;
            }
            return sent > 0;
        } catch (WireException e) {
            // The receiving thread ends the session for the same reason; what was taken out of the
            // queue goes back into it then.
            return false;
        } finally {
            sending.unlock();
        }
    }

    /** Allows the server to push. */
    void openWindow() {
        if (window > 0) {
            channel.send(FrameType.WINDOW, 0, 0, window, 0);
        }
    }

    /** Receives until the connection ends, which it does with an exception. */
    void receive() {
        try {
            while (true) {
                FrameHeader frame = channel.receive();
                switch (frame.type()) {
                    case DATA -> data(frame);
                    case PUSH -> push(frame);
                    case FAILED -> failed(frame);
                    case CANCELLED -> {
                        outstanding.endCancelled(this, frame.id());
                        pump(PIPELINE);
                    }
                    case PING -> {}
                    default ->
                            throw new WireException(
                                    Refusal.MALFORMED, frame + " where memory is due");
                }
                if (outstanding.takeNews()) {
                    sink.available();
                }
            }
        } finally {
            inflater.end();
        }
    }

    private void data(FrameHeader frame) {
        long id = frame.id();
        int length = frame.length();
        Encoding encoding = Encoding.of(frame.detail());
        if (id < 0) {
            checkPush(frame);
            Slot slot = pushSlot;
            take(slot, frame, encoding);
            pushGpa += length;
            pushLeft -= length;
            if (slot != null) {
                outstanding.endReceive(slot, length, encoding == Encoding.ZERO);
            }
            if (pushLeft == 0) {
                pushed();
            }
        } else {
            Slot slot = outstanding.beginReceive(this, id, frame.address(), length);
            take(slot, frame, encoding);
            outstanding.endReceive(slot, length, encoding == Encoding.ZERO);
            pump(PIPELINE);
        }
    }

    /** Takes the payload in, or drops it if nobody wants it. */
    private void take(@Nullable Slot slot, FrameHeader frame, Encoding encoding) {
        int length = frame.length();
        int payload = frame.payloadBytes();
        PageRequest request = slot == null ? null : outstanding.receiver(slot);
        ByteBuffer to =
                request == null || slot == null ? null : view.of(request, slot.next, length);
        switch (encoding) {
            case ZERO -> require(payload == 0, frame);
            case RAW -> {
                require(payload == length, frame);
                channel.payload(to == null ? scratch.clear().limit(payload) : to);
            }
            case DEFLATE -> {
                require(inflates && payload > 0, frame);
                channel.payload(scratch.clear().limit(payload));
                if (to != null) {
                    inflate(frame, to);
                }
            }
        }
    }

    private void inflate(FrameHeader frame, ByteBuffer to) {
        inflater.reset();
        inflater.setInput(scratch);
        try {
            while (to.hasRemaining() && inflater.inflate(to) > 0) {
                // Goes on.
            }
            // The stream's end may be still to come.
            require(!to.hasRemaining(), frame);
            require(inflater.finished() || inflater.inflate(new byte[1]) == 0, frame);
            require(inflater.finished() && inflater.getRemaining() == 0, frame);
        } catch (DataFormatException e) {
            require(false, frame);
        }
    }

    private static void require(boolean isRight, FrameHeader frame) {
        if (!isRight) {
            throw new WireException(Refusal.MALFORMED, frame.toString());
        }
    }

    private void push(FrameHeader frame) {
        int length = frame.length();
        if (pushLeft > 0) {
            throw new WireException(Refusal.UNREQUESTED, frame.toString());
        }
        if (length <= 0 || length > Wire.MAX_REQUEST) {
            throw new WireException(Refusal.OVERSIZE, frame.toString());
        }
        if (layout.page(frame.address(), length) < 0
                || frame.address() % Wire.MAX_REQUEST + length > Wire.MAX_REQUEST) {
            throw new WireException(Refusal.OUT_OF_LAYOUT, frame.toString());
        }
        if (frame.id() >= 0 || (pushId != -1 && frame.id() <= pushId)) {
            throw new WireException(Refusal.DUPLICATE, frame.toString());
        }
        if (length > window) {
            throw new WireException(Refusal.FLOOD, "pushes beyond the window: " + frame);
        }
        window -= length;
        pushId = frame.id();
        pushGpa = frame.address();
        pushLength = length;
        pushLeft = length;
        pushSlot = null;
        PageRequest request = sink.offer(pushGpa, length / PageLayout.PAGE_BYTES);
        if (request != null) {
            pushSlot = outstanding.push(this, request);
            if (pushSlot == null) {
                request.failed(0, request.pages(), PageFailure.AWAY);
            }
        }
    }

    private void checkPush(FrameHeader frame) {
        if (frame.id() != pushId
                || frame.address() != pushGpa
                || frame.length() <= 0
                || frame.length() % PageLayout.PAGE_BYTES != 0
                || frame.length() > pushLeft) {
            throw new WireException(Refusal.UNREQUESTED, frame.toString());
        }
    }

    private void failed(FrameHeader frame) {
        String _ = channel.text();
        Refusal reason = Refusal.of(frame.detail());
        PageFailure failure =
                reason != null && reason.isTemporary() ? PageFailure.AWAY : PageFailure.LOST;
        if (frame.id() >= 0) {
            outstanding.endFailed(this, frame.id(), failure);
            pump(PIPELINE);
            return;
        }
        if (frame.id() != pushId || pushLeft == 0) {
            throw new WireException(Refusal.UNREQUESTED, frame.toString());
        }
        if (pushSlot != null) {
            outstanding.endFailed(this, pushSlot.id, failure);
        }
        pushLeft = 0;
        pushed();
    }

    /** A push is over; the server may send as much again. */
    private void pushed() {
        pushSlot = null;
        window += pushLength;
        channel.send(FrameType.WINDOW, 0, 0, pushLength, 0);
    }
}
