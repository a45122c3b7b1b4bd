// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Where connections come in. */
interface Acceptor extends AutoCloseable {

    /** Of a file's mode: what kind of file it is. */
    int S_IFMT = 0170000;

    /** A socket. */
    int S_IFSOCK = 0140000;

    /** The address that was bound, with the port that the system has chosen. */
    SocketAddress address();

    /** Waits for the next connection. */
    Link accept() throws IOException;

    @Override
    void close() throws IOException;

    /** Listens. */
    static Acceptor at(PeerAddress address) throws IOException {
        Tls tls = address.tls();
        StandardProtocolFamily family =
                address.address() instanceof InetSocketAddress tcp
                        ? PeerAddress.family(tcp)
                        : StandardProtocolFamily.UNIX;
        if (tls != null) {
            return new TlsAcceptor(tls, new ServerSocket(), address.address());
        }
        if (address.address() instanceof UnixDomainSocketAddress unix) {
            removeStale(unix);
        }
        return new ChannelAcceptor(ServerSocketChannel.open(family), address.address());
    }

    /** A socket's file outlives a server that was killed; one that somebody serves is left. */
    private static void removeStale(UnixDomainSocketAddress address) throws IOException {
        if (Files.exists(address.getPath(), LinkOption.NOFOLLOW_LINKS)) {
            requireSocket(address.getPath());
            try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                probe.connect(address);
            } catch (ConnectException e) {
                Files.deleteIfExists(address.getPath());
                return;
            }
            throw new IOException(address + " is in use by another server");
        }
    }

    /**
     * Whoever names another file by mistake keeps it: an attempt to connect is refused there as at
     * a dead server's socket.
     *
     * @throws IOException if it is none
     */
    private static void requireSocket(Path path) throws IOException {
        Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (!(mode instanceof Integer bits) || (bits & S_IFMT) != S_IFSOCK) {
            throw new IOException(path + " is there and no socket");
        }
    }

    /** Unix and plain TCP. */
    final class ChannelAcceptor implements Acceptor {

        private final ServerSocketChannel channel;
        private final SocketAddress bound;

        ChannelAcceptor(ServerSocketChannel channel, SocketAddress address) throws IOException {
            this.channel = channel;
            try {
                channel.bind(address, 128);
                bound = channel.getLocalAddress();
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }

        @Override
        public SocketAddress address() {
            return bound;
        }

        @Override
        public Link accept() throws IOException {
            SocketChannel accepted = channel.accept();
            try {
                String peer =
                        bound instanceof UnixDomainSocketAddress
                                ? "unix:" + bound
                                : "tcp:" + accepted.getRemoteAddress();
                return new SocketLink(accepted, peer);
            } catch (IOException | RuntimeException | Error e) {
                accepted.close();
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
            if (bound instanceof UnixDomainSocketAddress unix) {
                Path path = unix.getPath();
                Files.deleteIfExists(path);
            }
        }
    }

    /** TLS on TCP. */
    final class TlsAcceptor implements Acceptor {

        private final Tls tls;
        private final ServerSocket socket;

        TlsAcceptor(Tls tls, ServerSocket socket, SocketAddress address) throws IOException {
            this.tls = tls;
            this.socket = socket;
            try {
                socket.bind(address, 128);
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw e;
            }
        }

        @Override
        public SocketAddress address() {
            return new InetSocketAddress(socket.getInetAddress(), socket.getLocalPort());
        }

        @Override
        public Link accept() throws IOException {
            Socket accepted = socket.accept();
            try {
                return tls.server(accepted);
            } catch (IOException | RuntimeException | Error e) {
                accepted.close();
                throw e;
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
