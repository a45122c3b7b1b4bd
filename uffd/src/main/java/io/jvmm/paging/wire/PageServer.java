// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.wire.HandshakeMessage.Hello;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Serves an image to clients that hold its token, over a unix socket, TCP or TLS. What is on the
 * other side of a connection is not trusted: whatever it does, it gets an answer or its connection
 * ends with a reason, and other clients notice nothing.
 *
 * <p>Thread-safe.
 */
public final class PageServer implements AutoCloseable {

    private final PageImage image;
    private final Token token;
    private final ServerLimits limits;
    private final Consumer<ServerEvent> events;
    private final Acceptor acceptor;
    private final PeerAddress address;
    private final Watchdog watchdog = new Watchdog("page-server-watchdog");
    private final Strangers strangers;
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final Thread accepting;

    // Guarded by this.
    private final List<ServerSession> sessions = new ArrayList<>();
    private boolean isClosed;

    private PageServer(
            PeerAddress address,
            PageImage image,
            Token token,
            ServerLimits limits,
            Consumer<ServerEvent> events)
            throws IOException {
        this.image = image;
        this.token = token;
        this.limits = limits;
        this.events = Guarded.listener(events);
        strangers = new Strangers(limits.strangers());
        acceptor = Acceptor.at(address);
        this.address = address.at(acceptor.address());
        accepting = Wire.thread("page-accept").unstarted(this::accept);
    }

    /**
     * Listens and serves until it is closed.
     *
     * @param address where; port 0 lets the system choose. A unix socket's file that a dead server
     *     has left is replaced
     * @param image kept open by the caller until the server is closed
     * @param events called from the server's threads, one event at a time for each session; must
     *     not wait. What it throws is logged
     * @throws IOException if the address cannot be had
     */
    public static PageServer open(
            PeerAddress address,
            PageImage image,
            Token token,
            ServerLimits limits,
            Consumer<ServerEvent> events)
            throws IOException {
        PageServer server = new PageServer(address, image, token, limits, events);
        server.accepting.start();
        return server;
    }

    /** Where it listens, as a client must be told. */
    public PeerAddress address() {
        return address;
    }

    /** How many connections are open, those that are not let in yet included. */
    public int connections() {
        return watchdog.watched();
    }

    // A server whose accepting thread ends would serve no client any more, and say nothing.
    @SuppressWarnings("CatchingUnchecked")
    private void accept() {
        while (!isClosed()) {
            try {
                open(acceptor.accept());
            } catch (IOException | RuntimeException | Error e) {
                // A connection that is gone already, or this server is being closed. Where the
                // process has no descriptor, thread or memory left, this gives others time to give
                // some back.
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            }
        }
    }

    private void open(Link link) {
        if (!strangers.admit()) {
            link.close();
            return;
        }
        FrameChannel channel = null;
        try {
            channel = new FrameChannel(link, limits.opening(), watchdog);
            FrameChannel begun = channel;
            strangers.enter(channel);
            start(Wire.thread("page-open"), () -> admit(begun));
        } catch (RuntimeException | Error e) {
            strangers.gone();
            if (channel == null) {
                link.close();
            } else {
                strangers.leave(channel);
                channel.close();
            }
            throw e;
        }
    }

    /**
     * @throws WireException {@code BUSY} if no thread can be had
     */
    private void start(Thread.Builder builder, Runnable work) {
        Thread thread =
                builder.unstarted(() -> {
                    try {
                        work.run();
                    } finally {
                        threads.remove(Thread.currentThread());
                    }
                });
        threads.add(thread);
        try {
            thread.start();
        } catch (OutOfMemoryError e) {
            threads.remove(thread);
            throw new WireException(Refusal.BUSY, "the server has no thread left");
        }
    }

    /** Lets a connection in and serves it; on a thread of its own. */
    private void admit(FrameChannel channel) {
        Entry entry = new Entry();
        WireException failure = null;
        boolean isStranger = true;
        try {
            Role role;
            LayoutMessage theirs;
            try {
                Hello hello =
                        Handshake.accept(channel, token, read -> entry.claim(read, channel.peer()));
                role = Role.of(hello.role());
                theirs =
                        Handshake.layouts(
                                channel,
                                new LayoutMessage(
                                        image.layout(),
                                        Encoding.ZERO.bit() | Encoding.RAW.bit(),
                                        Math.toIntExact(limits.silence().toMillis())));
                channel.establish(limits.silence(), Duration.ofMillis(theirs.silenceMillis()));
            } finally {
                strangers.leave(channel);
            }
            strangers.gone();
            isStranger = false;
            entry.session().channels().add(channel);
            entry.session().opened();
            if (role == Role.CONTROL) {
                start(Wire.thread("page-alive"), entry.session().channels()::keepAlive);
                control(entry.session(), channel);
            } else {
                memory(entry.session(), channel, role, theirs);
            }
        } catch (WireException e) {
            failure = e;
        } catch (OutOfMemoryError e) {
            failure = new WireException(Refusal.BUSY, "the server has no memory left");
        } catch (RuntimeException | Error e) {
            failure = new WireException(Refusal.SOURCE, "the server has failed: " + e);
        }
        try {
            if (failure != null) {
                giveUp(channel, entry, failure);
            }
        } finally {
            if (isStranger) {
                strangers.gone();
            }
        }
    }

    private void giveUp(FrameChannel channel, Entry entry, WireException why) {
        channel.refuse(why);
        boolean isTold = entry.giveUp(why);
        if (!isTold && why.reason() != Refusal.LOST) {
            events.accept(
                    new ServerEvent.Refused(
                            channel.peer(), why.reason(), String.valueOf(why.getMessage())));
        }
    }

    private void control(ServerSession session, FrameChannel channel) {
        try {
            session.control(channel);
        } catch (WireException e) {
            session.channels().end(e);
            channel.refuse(e);
        } finally {
            synchronized (this) {
                sessions.remove(session);
            }
        }
        session.closed();
    }

    private void memory(
            ServerSession session, FrameChannel channel, Role role, LayoutMessage theirs) {
        boolean compresses = limits.compress() && theirs.accepts(Encoding.DEFLATE);
        PageSender sender = new PageSender(session, channel, role == Role.BULK, compresses);
        session.add(sender);
        try {
            start(Wire.thread("page-send"), sender::send);
            start(Wire.thread("page-receive"), () -> receive(session, channel, sender));
        } catch (WireException e) {
            sender.end();
            throw e;
        }
    }

    private static void receive(ServerSession session, FrameChannel channel, PageSender sender) {
        try {
            sender.receive();
        } catch (WireException e) {
            session.channels().end(e);
            channel.refuse(e);
        } finally {
            channel.close();
            sender.end();
        }
    }

    /** A connection's way into a session. */
    private final class Entry {

        private @Nullable ServerSession session;
        private boolean isNew;

        ServerSession session() {
            if (session == null) {
                throw new IllegalStateException("not let in");
            }
            return session;
        }

        /** Finds or opens the session; for the handshake, when the client has proved itself. */
        @Nullable WireException claim(Hello hello, String peer) {
            try {
                Role role = Role.of(hello.role());
                synchronized (PageServer.this) {
                    session = role == Role.CONTROL ? begin(hello, peer) : join(hello, role);
                    isNew = role == Role.CONTROL;
                }
                return null;
            } catch (WireException e) {
                return e;
            }
        }

        /**
         * A connection that was let in and fails before it works takes its session along.
         *
         * @return whether the session was open, and its end was told
         */
        boolean giveUp(WireException why) {
            if (session == null) {
                return false;
            }
            session.channels().end(why);
            if (!isNew) {
                return false;
            }
            synchronized (PageServer.this) {
                sessions.remove(session);
            }
            return session.closed();
        }
    }

    private ServerSession begin(Hello hello, String peer) {
        if (isClosed) {
            throw new WireException(Refusal.CLOSING, "the server is shutting down");
        }
        for (ServerSession old : List.copyOf(sessions)) {
            if (old.isOf(hello)) {
                if (Integer.compareUnsigned(hello.epoch(), old.epoch()) <= 0) {
                    throw new WireException(Refusal.SESSION, "a newer session is open");
                }
                // The client has lost it, and this side has not noticed yet.
                old.channels().end(new WireException(Refusal.SESSION, "superseded by a newer one"));
                sessions.remove(old);
            }
        }
        if (sessions.size() >= limits.clients()) {
            throw new WireException(
                    Refusal.BUSY, "there are %d clients already".formatted(limits.clients()));
        }
        ServerSession session = new ServerSession(hello, peer, image, events);
        sessions.add(session);
        return session;
    }

    private ServerSession join(Hello hello, Role role) {
        for (ServerSession session : sessions) {
            if (session.isOf(hello) && session.epoch() == hello.epoch()) {
                session.claim(role, limits.bulkConnections());
                return session;
            }
        }
        throw new WireException(Refusal.SESSION, "its control connection is not open");
    }

    private synchronized boolean isClosed() {
        return isClosed;
    }

    /**
     * Ends all sessions with {@link Refusal#CLOSING}, and waits until no thread uses the image any
     * more. A second call does nothing.
     */
    @Override
    public void close() {
        synchronized (this) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            WireException why = new WireException(Refusal.CLOSING, "the server is shutting down");
            for (ServerSession session : sessions) {
                session.channels().end(why);
            }
        }
        try {
            acceptor.close();
        } catch (IOException e) {
            // Nobody comes in any more, which is all that is wanted.
        }
        watchdog.endAll();
        join(accepting);
        while (!threads.isEmpty()) {
            for (Thread thread : threads) {
                join(thread);
            }
        }
        watchdog.close();
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
