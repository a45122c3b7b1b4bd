// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A network between a client and a server of the page protocol that breaks at a step of the
 * protocol, and stays broken until it is mended. It knows where messages begin and end
 * (docs/page-protocol.md), and nothing more.
 */
final class CutWire implements AutoCloseable {

    /** What a connection is for. */
    enum Role {
        CONTROL,
        URGENT,
        BULK
    }

    /** The messages, by the type of their frame; those of the handshake below 0. */
    enum Message {
        /** Hello, or challenge. */
        GREETING(-1),
        /** Proof, or accept. */
        PROOF(-2),
        LAYOUT(1),
        HAVE(2),
        REQUEST(3),
        DATA(5),
        DONE(10),
        BYE(12);

        private final int type;

        Message(int type) {
            this.type = type;
        }
    }

    /**
     * Where it breaks.
     *
     * @param toServer the direction
     * @param nth of the session's messages of this kind, over all connections of the role, from 1
     * @param bytes of it that pass before
     */
    record Step(Role role, boolean toServer, Message message, int nth, int bytes) {
        @Override
        public String toString() {
            return "%d bytes into %s %d to the %s (%s)"
                    .formatted(bytes, message, nth, toServer ? "server" : "client", role);
        }
    }

    private static final int HELLO_BYTES = 72;
    private static final int HELLO_ROLE = 12;
    private static final int CHALLENGE_BYTES = 52;
    private static final int PROOF_BYTES = 36;
    private static final int ACCEPT_BYTES = 40;
    private static final int HEADER_BYTES = 40;
    private static final int HEADER_PAYLOAD = 28;

    private final UnixDomainSocketAddress here;
    private final UnixDomainSocketAddress server;
    private final ServerSocketChannel listening;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

    // Guarded by this.
    private Break next = new Break(null, () -> {});
    private boolean isDown;

    /** One break to come. */
    private static final class Break {
        final @org.jspecify.annotations.Nullable Step step;
        final Runnable action;
        final CountDownLatch done = new CountDownLatch(1);
        int seen;

        Break(@org.jspecify.annotations.Nullable Step step, Runnable action) {
            this.step = step;
            this.action = action;
        }
    }

    CutWire(Path here, Path server) throws IOException {
        this.here = UnixDomainSocketAddress.of(here);
        this.server = UnixDomainSocketAddress.of(server);
        listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(this.here);
        Thread _ = Thread.ofVirtual().start(this::accept);
    }

    Path path() {
        return here.getPath();
    }

    /**
     * Works again, up to that step of the session that follows.
     *
     * @param action done when it breaks, after the connections have ended
     */
    synchronized void mendUntil(Step step, Runnable action) {
        next = new Break(step, action);
        isDown = false;
    }

    /** Works again, for good. */
    synchronized void mend() {
        next = new Break(null, () -> {});
        isDown = false;
    }

    /** Waits until it has broken and what was to be done then is done. */
    void awaitBreak() throws InterruptedException {
        Break current;
        synchronized (this) {
            current = next;
        }
        if (!current.done.await(10, TimeUnit.MINUTES)) {
            throw new AssertionError("never came to " + current.step);
        }
    }

    private void accept() {
        try {
            while (true) {
                connect(listening.accept());
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void connect(SocketChannel client) {
        Break current;
        synchronized (this) {
            if (isDown) {
                close(client);
                return;
            }
            open.add(client);
            current = next;
        }
        try {
            SocketChannel other = SocketChannel.open(server);
            open.add(other);
            Thread _ = Thread.ofVirtual().start(() -> clientToServer(client, other, current));
        } catch (IOException e) {
            close(client);
        }
    }

    private void clientToServer(SocketChannel client, SocketChannel other, Break current) {
        pump(
                client,
                other,
                () -> {
                    ByteBuffer hello = read(client, HELLO_BYTES);
                    Role role = Role.values()[hello.get(HELLO_ROLE)];
                    Thread _ =
                            Thread.ofVirtual()
                                    .start(() -> serverToClient(other, client, role, current));
                    pass(other, hello, Message.GREETING.type, role, true, current);
                    pass(other, read(client, PROOF_BYTES), Message.PROOF.type, role, true, current);
                    frames(client, other, role, true, current);
                });
    }

    private void serverToClient(
            SocketChannel other, SocketChannel client, Role role, Break current) {
        pump(
                other,
                client,
                () -> {
                    pass(
                            client,
                            read(other, CHALLENGE_BYTES),
                            Message.GREETING.type,
                            role,
                            false,
                            current);
                    pass(
                            client,
                            read(other, ACCEPT_BYTES),
                            Message.PROOF.type,
                            role,
                            false,
                            current);
                    frames(other, client, role, false, current);
                });
    }

    private void frames(
            SocketChannel from, SocketChannel to, Role role, boolean toServer, Break current)
            throws IOException {
        while (true) {
            ByteBuffer header = read(from, HEADER_BYTES);
            int payload = header.getInt(HEADER_PAYLOAD);
            ByteBuffer frame = ByteBuffer.allocate(HEADER_BYTES + payload).put(header);
            fill(from, frame);
            pass(to, frame.flip(), header.get(0), role, toServer, current);
        }
    }

    private void pass(
            SocketChannel to,
            ByteBuffer message,
            int type,
            Role role,
            boolean toServer,
            Break current)
            throws IOException {
        Step step = current.step;
        if (step != null
                && step.message.type == type
                && step.role == role
                && step.toServer == toServer
                && isTheOne(current, step)) {
            write(to, message.limit(Math.min(step.bytes, message.limit())));
            breakNow(current);
            throw new IOException("broken");
        }
        write(to, message);
    }

    private synchronized boolean isTheOne(Break current, Step step) {
        return ++current.seen == step.nth;
    }

    private void breakNow(Break current) {
        synchronized (this) {
            isDown = true;
        }
        open.forEach(this::close);
        current.action.run();
        current.done.countDown();
    }

    private interface Work {
        void run() throws IOException;
    }

    private void pump(SocketChannel from, SocketChannel to, Work work) {
        try {
            work.run();
        } catch (IOException e) {
            close(from);
            close(to);
        }
    }

    private static ByteBuffer read(SocketChannel from, int bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(bytes);
        fill(from, buffer);
        return buffer.flip().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void fill(SocketChannel from, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            if (from.read(buffer) < 0) {
                throw new IOException("end");
            }
        }
    }

    private static void write(SocketChannel to, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            to.write(bytes);
        }
    }

    private void close(SocketChannel channel) {
        open.remove(channel);
        try {
            channel.close();
        } catch (IOException e) {
            // Closed it is.
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        open.forEach(this::close);
    }
}
