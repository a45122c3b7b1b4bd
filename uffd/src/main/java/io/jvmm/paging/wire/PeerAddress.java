// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Where a page server listens.
 *
 * <p>Over plain TCP the token keeps strangers out, but whoever can change packets on the way can
 * take over a connection that is open, and whoever can read them reads guest memory: use TLS where
 * the network is not trusted.
 */
public final class PeerAddress {

    private final SocketAddress address;
    private final @Nullable Tls tls;

    private PeerAddress(SocketAddress address, @Nullable Tls tls) {
        this.address = address;
        this.tls = tls;
    }

    /** A unix socket. */
    public static PeerAddress unix(Path path) {
        return new PeerAddress(UnixDomainSocketAddress.of(path), null);
    }

    /**
     * TCP, neither authenticated nor encrypted after the handshake.
     *
     * @param host a name or an address; brackets around an IPv6 address are ignored
     */
    public static PeerAddress tcp(String host, int port) {
        return new PeerAddress(new InetSocketAddress(host, port), null);
    }

    /** TLS on TCP. */
    public static PeerAddress tls(String host, int port, Tls tls) {
        return new PeerAddress(new InetSocketAddress(host, port), tls);
    }

    SocketAddress address() {
        return address;
    }

    @Nullable Tls tls() {
        return tls;
    }

    /** The same, on the port that the system has chosen. */
    PeerAddress at(SocketAddress bound) {
        return new PeerAddress(bound, tls);
    }

    /** The TCP port; -1 of a unix socket. */
    public int port() {
        return address instanceof InetSocketAddress tcp ? tcp.getPort() : -1;
    }

    /**
     * Connects.
     *
     * @param watchdog closes the attempt when the time is over
     */
    Link connect(Duration within, Watchdog watchdog) throws IOException {
        if (address instanceof InetSocketAddress tcp) {
            // A name is looked up anew for each attempt: the peer may have moved.
            InetSocketAddress target = new InetSocketAddress(tcp.getHostString(), tcp.getPort());
            return connect(SocketChannel.open(family(target)), target, within, watchdog);
        }
        return connect(SocketChannel.open(StandardProtocolFamily.UNIX), address, within, watchdog);
    }

    /**
     * The family of a TCP address.
     *
     * @throws UnknownHostException if its name is not known: a channel would say so with an
     *     exception that is none of input and output
     */
    static StandardProtocolFamily family(InetSocketAddress tcp) throws UnknownHostException {
        if (tcp.isUnresolved()) {
            throw new UnknownHostException(tcp.getHostString() + ": name not known");
        }
        return tcp.getAddress() instanceof Inet6Address
                ? StandardProtocolFamily.INET6
                : StandardProtocolFamily.INET;
    }

    /** By a channel also for TLS: an interrupt ends the attempt. */
    private Link connect(
            SocketChannel channel, SocketAddress target, Duration within, Watchdog watchdog)
            throws IOException {
        try (Watchdog.Guard _ = watchdog.guard(within, () -> closeQuietly(channel))) {
            channel.connect(target);
            return tls != null && target instanceof InetSocketAddress tcp
                    ? tls.client(channel.socket(), tcp.getHostString())
                    : new SocketLink(channel, toString());
        } catch (IOException | RuntimeException e) {
            closeQuietly(channel);
            throw e;
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // Closed it is; there is nobody left to tell.
        }
    }

    /**
     * {@code unix:PATH}, {@code tcp:HOST:PORT} or {@code tls:HOST:PORT}; an IPv6 address stands in
     * brackets.
     */
    @Override
    public String toString() {
        if (address instanceof InetSocketAddress tcp) {
            String host = tcp.getHostString();
            String shown = host.indexOf(':') < 0 ? host : "[" + host + "]";
            return (tls == null ? "tcp:" : "tls:") + shown + ":" + tcp.getPort();
        }
        return "unix:" + address;
    }
}
