// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageSink;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * One attempt at, and then one life of, a client's session: all its connections and their threads.
 */
final class PeerSession {

    private static final long LEAVING_NANOS = 1_000_000_000L;
    private static final int PAGES_PER_HAVE = 8 * Wire.MAX_PAYLOAD;

    private final PeerAddress address;
    private final Token token;
    private final byte[] client;
    private final int epoch;
    private final PageLayout layout;
    private final PeerConfig config;
    private final PageBitmap delivered;
    private final Outstanding outstanding;
    private final PageSink sink;
    private final Watchdog watchdog;

    private final ChannelGroup channels = new ChannelGroup();
    private final List<Thread> threads = new ArrayList<>();
    private volatile @Nullable FrameChannel control;
    private volatile boolean isComplete;

    // Guarded by this.
    private boolean hasEnded;
    private boolean isFinishing;

    PeerSession(
            PeerAddress address,
            Token token,
            byte[] client,
            int epoch,
            PageLayout layout,
            PeerConfig config,
            PageBitmap delivered,
            Outstanding outstanding,
            PageSink sink,
            Watchdog watchdog) {
        this.address = address;
        this.token = token;
        this.client = client.clone();
        this.epoch = epoch;
        this.layout = layout;
        this.config = config;
        this.delivered = delivered;
        this.outstanding = outstanding;
        this.sink = sink;
        this.watchdog = watchdog;
    }

    /**
     * Opens all connections.
     *
     * @return those that carry memory; they receive already
     * @throws WireException if one cannot be had; call {@link #close} in any case
     */
    List<Lane> open() {
        FrameChannel first = connect(Role.CONTROL);
        control = first;
        // Before much is said: a server that speaks meanwhile is not silent.
        start(Wire.thread("page-control"), first, () -> receiveControl(first));
        tellWhatIsHere(first);
        Thread alive = Wire.thread("page-alive").unstarted(channels::keepAlive);
        threads.add(alive);
        alive.start();
        List<Lane> lanes = new ArrayList<>();
        lanes.add(lane(Role.URGENT));
        for (int i = 0; i < config.bulkConnections(); i++) {
            lanes.add(lane(Role.BULK));
        }
        return lanes;
    }

    private FrameChannel connect(Role role) {
        Link link;
        try {
            link = address.connect(config.opening(), watchdog);
        } catch (IOException e) {
            throw WireException.lost(e);
        }
        FrameChannel channel = new FrameChannel(link, config.opening(), watchdog);
        try {
            channels.add(channel);
            Handshake.open(channel, token, role, client, epoch);
            int encodings = Encoding.ZERO.bit() | Encoding.RAW.bit();
            if (config.compress()) {
                encodings |= Encoding.DEFLATE.bit();
            }
            Duration silence = config.silence();
            LayoutMessage theirs =
                    Handshake.layouts(
                            channel,
                            new LayoutMessage(
                                    layout, encodings, Math.toIntExact(silence.toMillis())));
            channel.establish(silence, Duration.ofMillis(theirs.silenceMillis()));
            return channel;
        } catch (WireException e) {
            channels.end(e);
            channel.refuse(e);
            throw e;
        }
    }

    private Lane lane(Role role) {
        FrameChannel channel = connect(role);
        boolean isUrgent = role == Role.URGENT;
        Lane lane =
                new Lane(
                        channel,
                        layout,
                        outstanding,
                        isUrgent,
                        !isUrgent || config.bulkConnections() == 0,
                        config.compress(),
                        sink,
                        isUrgent ? 0 : config.pushWindow());
        start(Wire.thread(isUrgent ? "page-urgent" : "page-bulk"), channel, lane::receive);
        lane.openWindow();
        return lane;
    }

    private void start(Thread.Builder builder, FrameChannel channel, Runnable receive) {
        Thread thread =
                builder.unstarted(() -> {
                    try {
                        receive.run();
                    } catch (WireException e) {
                        end(e);
                        channel.refuse(e);
                    } catch (RuntimeException | Error e) {
                        // A listener of ours has failed, or memory has run out. Never leave the
                        // session half alive.
                        Refusal reason = e instanceof Error ? Refusal.LOST : Refusal.INTERNAL;
                        WireException why = new WireException(reason, e.toString());
                        end(why);
                        channel.refuse(why);
                        throw e;
                    }
                });
        threads.add(thread);
        thread.start();
    }

    /** Sends the bitmap of what is here; the server needs it to push, and to agree on the end. */
    private void tellWhatIsHere(FrameChannel channel) {
        ByteBuffer bits = ByteBuffer.allocateDirect(Wire.MAX_PAYLOAD);
        long first = 0;
        while (first < layout.pages()) {
            int many = delivered.copyTo(first, bits.clear());
            boolean isLast = first + many == layout.pages();
            channel.send(FrameType.HAVE, isLast ? 1 : 0, 0, first, many, bits.flip());
            first += PAGES_PER_HAVE;
        }
    }

    private void receiveControl(FrameChannel channel) {
        while (true) {
            FrameHeader frame = channel.receive();
            switch (frame.type()) {
                case PING -> {}
                case DONE -> {
                    if (frame.id() != layout.pages() || !delivered.isFull()) {
                        throw new WireException(
                                Refusal.COUNT,
                                "the server says that %d pages are done, here are %d of %d"
                                        .formatted(frame.id(), delivered.count(), layout.pages()));
                    }
                    isComplete = true;
                    channel.send(FrameType.BYE, 0, 0, 0, 0);
                    throw new WireException(Refusal.LOST, "all pages are here");
                }
                default ->
                        throw new WireException(
                                Refusal.MALFORMED, frame + " on the control connection");
            }
        }
    }

    /**
     * Has the thread in {@link #await} say that all pages are here; the answer ends the session as
     * complete. Does not wait.
     */
    synchronized void finish() {
        isFinishing = true;
        notifyAll();
    }

    private void tellDone() {
        FrameChannel channel = control;
        if (channel != null) {
            try {
                // Pages that were declared to be here count too.
                tellWhatIsHere(channel);
                channel.send(FrameType.DONE, 0, delivered.count(), 0, 0);
            } catch (WireException e) {
                // The session has ended; the next one says it again.
            }
        }
    }

    /** Leaves in good order, without being done: the server ends the session, if it is there. */
    void leave() {
        FrameChannel channel = control;
        if (channel != null) {
            try {
                channel.send(FrameType.BYE, 0, 0, 0, 0);
                awaitEnd(LEAVING_NANOS);
            } catch (WireException e) {
                // The server notices in its own way.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Why the session has ended; null while it has not. */
    @Nullable WireException reason() {
        return channels.reason();
    }

    void end(WireException why) {
        channels.end(why);
        synchronized (this) {
            hasEnded = true;
            notifyAll();
        }
    }

    boolean isComplete() {
        return isComplete;
    }

    private synchronized void awaitEnd(long most) throws InterruptedException {
        long deadline = System.nanoTime() + most;
        for (long left = most; !hasEnded && left > 0; left = deadline - System.nanoTime()) {
            wait(left / 1_000_000 + 1);
        }
    }

    /** Waits until something is to be done; whether it is to say that all pages are here. */
    private synchronized boolean awaitFinish() throws InterruptedException {
        while (!hasEnded && !isFinishing) {
            wait();
        }
        boolean tells = isFinishing && !hasEnded;
        isFinishing = false;
        return tells;
    }

    /** Waits until the session has ended. */
    WireException await() throws InterruptedException {
        while (awaitFinish()) {
            tellDone();
        }
        WireException why = channels.reason();
        return why == null ? new WireException(Refusal.LOST, "ended") : why;
    }

    /** Ends what is left; no thread of this session runs, or writes to a request, afterwards. */
    void close(WireException why) {
        end(why);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
