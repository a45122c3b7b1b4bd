// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;

import javax.net.ssl.SSLSocket;

/**
 * TLS over TCP. The handshake takes place with the first read or write.
 *
 * <p>Closing closes the TCP connection underneath: the end of a TLS stream would be written behind
 * whatever a stuck peer does not take.
 */
final class TlsLink implements Link {

    private static final int CHUNK = 16 << 10;

    private final Socket tcp;
    private final SSLSocket tls;
    private final byte[] incoming = new byte[CHUNK];
    private final byte[] outgoing = new byte[CHUNK];

    /**
     * @param tcp connected; closed with this object
     * @param tls layered on it
     */
    TlsLink(Socket tcp, SSLSocket tls) throws IOException {
        this.tcp = tcp;
        this.tls = tls;
        tcp.setTcpNoDelay(true);
    }

    @Override
    public int read(ByteBuffer first, ByteBuffer second) throws IOException {
        InputStream in = tls.getInputStream();
        int want = Math.min(CHUNK, first.remaining() + second.remaining());
        int got = in.read(incoming, 0, want);
        if (got > 0) {
            int head = Math.min(got, first.remaining());
            first.put(incoming, 0, head);
            second.put(incoming, head, got - head);
        }
        return got;
    }

    @Override
    public void write(ByteBuffer first, ByteBuffer second) throws IOException {
        OutputStream out = tls.getOutputStream();
        while (first.hasRemaining() || second.hasRemaining()) {
            int head = Math.min(CHUNK, first.remaining());
            first.get(outgoing, 0, head);
            int tail = Math.min(CHUNK - head, second.remaining());
            second.get(outgoing, head, tail);
            out.write(outgoing, 0, head + tail);
        }
    }

    @Override
    public void shutdownOutput() throws IOException {
        tls.shutdownOutput();
    }

    @Override
    public String host() {
        return tcp.getInetAddress() == null ? "" : tcp.getInetAddress().getHostAddress();
    }

    @Override
    public String peer() {
        return "tls:" + tcp.getRemoteSocketAddress();
    }

    @Override
    public void close() {
        try {
            tcp.close();
        } catch (IOException e) {
            // Closed it is; there is nobody left to tell.
        }
    }
}
