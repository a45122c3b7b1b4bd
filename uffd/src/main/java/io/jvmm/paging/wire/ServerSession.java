// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.wire.HandshakeMessage.Hello;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The server's side of one session: its connections, and which pages the client has, from what it
 * has said and what was sent since.
 */
final class ServerSession {

    private static final long UNREADABLE_NANOS = 1_000_000_000L;

    private final byte[] client;
    private final int epoch;
    private final String peer;
    private final PageImage image;
    private final PageBitmap delivered;
    private final ChannelGroup channels = new ChannelGroup();
    private final List<PageSender> senders = new CopyOnWriteArrayList<>();
    private final Consumer<ServerEvent> events;

    // Guarded by this.
    private boolean hasUrgent;
    private int bulk;
    private boolean isOpen;
    private boolean isOver;
    private boolean knowsClient;
    private long pushCursor;
    private boolean isUnreadableTold;
    private long unreadableTold;

    private volatile boolean isOrderly;

    /**
     * @param peer who is at the other end of the control connection
     */
    ServerSession(Hello hello, String peer, PageImage image, Consumer<ServerEvent> events) {
        client = hello.client();
        epoch = hello.epoch();
        this.peer = peer;
        this.image = image;
        this.events = events;
        delivered = new PageBitmap(image.layout().pages());
    }

    boolean isOf(Hello hello) {
        return Arrays.equals(client, hello.client());
    }

    int epoch() {
        return epoch;
    }

    ChannelGroup channels() {
        return channels;
    }

    PageImage image() {
        return image;
    }

    PageBitmap delivered() {
        return delivered;
    }

    /**
     * Counts a connection in.
     *
     * @throws WireException if the session has as many as it may
     */
    synchronized void claim(Role role, int maxBulk) {
        if (role == Role.URGENT && !hasUrgent) {
            hasUrgent = true;
        } else if (role == Role.BULK && bulk < maxBulk) {
            bulk++;
        } else {
            throw new WireException(Refusal.BUSY, "the session has its connections for " + role);
        }
    }

    void add(PageSender sender) {
        senders.add(sender);
    }

    /**
     * A connection of the session is ready. The first one opens the session, whichever that is: for
     * the client the control connection is ready as soon as it has our layout, and others follow,
     * when this side may not have looked at the client's layout yet.
     */
    synchronized void opened() {
        if (!isOpen && !isOver) {
            isOpen = true;
            events.accept(new ServerEvent.Opened(peer));
        }
    }

    /**
     * The control connection has ended, ready or not, and with it the session. Tells how, of a
     * session that was open.
     *
     * @return whether it was
     */
    synchronized boolean closed() {
        isOver = true;
        if (isOpen) {
            WireException why = channels.reason();
            if (why != null && !isOrderly) {
                events.accept(
                        new ServerEvent.Lost(peer, why.reason(), String.valueOf(why.getMessage())));
            }
            events.accept(new ServerEvent.Closed(peer));
        }
        return isOpen;
    }

    /** Serves the control connection until the session ends; for its receiving thread. */
    void control(FrameChannel channel) {
        while (true) {
            FrameHeader frame = channel.receive();
            switch (frame.type()) {
                case HAVE -> have(channel, frame);
                case PING -> {}
                case DONE -> done(channel, frame.id());
                case BYE -> {
                    if (!isOrderly) {
                        events.accept(new ServerEvent.Left(channel.peer(), delivered.count()));
                    }
                    isOrderly = true;
                    throw new WireException(Refusal.LOST, "the client has left");
                }
                default ->
                        throw new WireException(
                                Refusal.MALFORMED, frame + " on the control connection");
            }
        }
    }

    private void have(FrameChannel channel, FrameHeader frame) {
        long first = frame.address();
        long many = Integer.toUnsignedLong(frame.length());
        boolean isLast = frame.detail() != 0;
        ByteBuffer bits = ByteBuffer.allocateDirect(frame.payloadBytes());
        channel.payload(bits);
        delivered.merge(first, many, bits);
        if (isLast) {
            synchronized (this) {
                knowsClient = true;
            }
            for (PageSender sender : senders) {
                sender.wake();
            }
        }
    }

    private void done(FrameChannel channel, long count) {
        long pages = image.layout().pages();
        if (count != pages || !delivered.isFull()) {
            throw new WireException(
                    Refusal.COUNT,
                    "the client says it has %d pages of %d; known are %d"
                            .formatted(count, pages, delivered.count()));
        }
        if (!isOrderly) {
            isOrderly = true;
            events.accept(new ServerEvent.Completed(channel.peer(), pages));
        }
        channel.send(FrameType.DONE, 0, pages, 0, 0);
    }

    /** The image could not be read for the client; tells it from time to time. */
    void unreadable(long gpa, IOException cause) {
        synchronized (this) {
            long now = System.nanoTime();
            if (isUnreadableTold && now - unreadableTold < UNREADABLE_NANOS) {
                return;
            }
            isUnreadableTold = true;
            unreadableTold = now;
        }
        events.accept(new ServerEvent.Unreadable(peer, gpa, String.valueOf(cause.getMessage())));
    }

    /** Whether the client has said that it is done, or that it leaves. */
    boolean isOrderly() {
        return isOrderly;
    }

    /**
     * The next pages to push: missing ones, in a row, within an aligned 2 MiB. They count as
     * delivered from here on.
     *
     * @return the first page's number and, in the upper 20 bits, how many; -1 for none
     */
    synchronized long nextPush(long maxPages) {
        if (!knowsClient) {
            return -1;
        }
        PageLayout layout = image.layout();
        long first;
        long count;
        do {
            first = delivered.nextClear(pushCursor);
            if (first == layout.pages()) {
                return -1;
            }
            long gpa = layout.gpa(first);
            long limit = (Wire.MAX_REQUEST - gpa % Wire.MAX_REQUEST) / PageLayout.PAGE_BYTES;
            limit = Math.min(limit, (layout.rangeOf(first).end() - gpa) / PageLayout.PAGE_BYTES);
            count = Math.min(limit, delivered.nextSet(first) - first);
            // None if somebody has asked for that page just now.
        } while (count == 0);
        if (count > maxPages) {
            // Not in smaller pieces: huge pages are what makes pushing cheap.
            return -1;
        }
        delivered.set(first, count);
        pushCursor = first + count;
        return count << 44 | first;
    }
}
