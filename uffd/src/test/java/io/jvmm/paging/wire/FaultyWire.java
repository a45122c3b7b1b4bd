// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongUnaryOperator;

/**
 * A network between a client and a server that fails on purpose: at a place in the stream, counted
 * in bytes of one direction of one connection.
 */
final class FaultyWire implements AutoCloseable {

    /** What happens at the place. */
    enum Fault {
        /** Both directions end. */
        CUT,
        /** This direction ends, the other goes on. */
        HALF_CLOSE,
        /** A bit of the next byte changes. */
        CORRUPT,
        /** A byte is missing from here on. */
        DROP,
        /** Nothing for 150 ms, then on as if nothing had been. */
        DELAY,
        /** Nothing ever again, but the connection stays. */
        STALL,
        /** Something else happens, before the next byte passes. */
        ACT
    }

    private final SocketAddressPair addresses;
    private final ServerSocketChannel listening;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    final AtomicLong faults = new AtomicLong();
    private volatile LongUnaryOperator toServer = FaultyWire::never;
    private volatile LongUnaryOperator toClient = FaultyWire::never;
    private volatile Fault fault = Fault.CUT;
    private volatile Runnable action = () -> {};

    private record SocketAddressPair(
            UnixDomainSocketAddress here, UnixDomainSocketAddress server) {}

    private static long never(long connection) {
        return Long.MAX_VALUE;
    }

    FaultyWire(Path here, PeerAddress server) throws IOException {
        addresses =
                new SocketAddressPair(
                        UnixDomainSocketAddress.of(here),
                        (UnixDomainSocketAddress) server.address());
        listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(addresses.here());
        Thread _ = Thread.ofVirtual().start(this::accept);
    }

    PeerAddress address() {
        return PeerAddress.unix(addresses.here().getPath());
    }

    /**
     * Sets where it fails.
     *
     * @param newToServer bytes until the fault, by the number of the connection from 0
     * @param newToClient the same in the other direction
     */
    void set(Fault newFault, LongUnaryOperator newToServer, LongUnaryOperator newToClient) {
        fault = newFault;
        toServer = newToServer;
        toClient = newToClient;
    }

    /** Sets what {@link Fault#ACT} does. */
    void act(Runnable newAction) {
        action = newAction;
    }

    /** Fails no more. */
    void heal() {
        toServer = FaultyWire::never;
        toClient = FaultyWire::never;
    }

    private void accept() {
        try {
            while (true) {
                SocketChannel client = listening.accept();
                open.add(client);
                int number = connections.getAndIncrement();
                try {
                    SocketChannel server = SocketChannel.open(addresses.server());
                    open.add(server);
                    long up = toServer.applyAsLong(number);
                    long down = toClient.applyAsLong(number);
                    Thread _ = Thread.ofVirtual().start(() -> pump(client, server, up));
                    Thread _ = Thread.ofVirtual().start(() -> pump(server, client, down));
                } catch (IOException e) {
                    client.close();
                }
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void pump(SocketChannel from, SocketChannel to, long until) {
        ByteBuffer buffer = ByteBuffer.allocate(64 << 10);
        long left = until;
        try {
            while (true) {
                buffer.clear().limit((int) Math.min(buffer.capacity(), Math.max(1, left)));
                int read = from.read(buffer);
                if (read < 0) {
                    to.shutdownOutput();
                    return;
                }
                buffer.flip();
                if (left == 0) {
                    faults.incrementAndGet();
                    if (!fail(from, to, buffer)) {
                        return;
                    }
                    left = Long.MAX_VALUE;
                } else if (left != Long.MAX_VALUE) {
                    left -= read;
                }
                while (buffer.hasRemaining()) {
                    to.write(buffer);
                }
            }
        } catch (IOException e) {
            close(from);
            close(to);
        }
    }

    /** One byte is there, the first that shall not pass unharmed. */
    private boolean fail(SocketChannel from, SocketChannel to, ByteBuffer one) throws IOException {
        switch (fault) {
            case CUT -> {
                close(from);
                close(to);
                return false;
            }
            case HALF_CLOSE -> {
                to.shutdownOutput();
                from.shutdownInput();
                return false;
            }
            case CORRUPT -> one.put(0, (byte) (one.get(0) ^ 0x20));
            case DROP -> one.position(1);
            case DELAY -> pause();
            case ACT -> action.run();
            case STALL -> {
                while (from.read(one.clear()) >= 0) {
                    // Swallowed.
                }
                return false;
            }
        }
        return true;
    }

    private static void pause() {
        try {
            boolean _ = new CountDownLatch(1).await(150, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Cuts everything that is open, now. */
    void cut() {
        for (SocketChannel channel : open) {
            close(channel);
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
        cut();
    }
}
