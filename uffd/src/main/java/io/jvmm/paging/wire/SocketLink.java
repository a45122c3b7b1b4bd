// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** A unix or TCP socket. Direct buffers reach the kernel without a copy. */
final class SocketLink implements Link {

    private final SocketChannel channel;
    private final String peer;
    // Filled anew for each call: one thread reads, one writes.
    private final ByteBuffer[] reading = {NOTHING, NOTHING};
    private final ByteBuffer[] writing = {NOTHING, NOTHING};

    /**
     * @param channel connected and blocking; closed with this object
     */
    SocketLink(SocketChannel channel, String peer) throws IOException {
        this.channel = channel;
        this.peer = peer;
        if (channel.supportedOptions().contains(StandardSocketOptions.TCP_NODELAY)) {
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        }
    }

    @Override
    public int read(ByteBuffer first, ByteBuffer second) throws IOException {
        if (!second.hasRemaining()) {
            return channel.read(first);
        }
        if (!first.hasRemaining()) {
            return channel.read(second);
        }
        reading[0] = first;
        reading[1] = second;
        return (int) channel.read(reading);
    }

    @Override
    public void write(ByteBuffer first, ByteBuffer second) throws IOException {
        writing[0] = first;
        writing[1] = second;
        while (first.hasRemaining() || second.hasRemaining()) {
            channel.write(writing);
        }
    }

    @Override
    public void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public String host() {
        try {
            return channel.getRemoteAddress() instanceof InetSocketAddress tcp
                    ? tcp.getAddress().getHostAddress()
                    : "";
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public String peer() {
        return peer;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Closed it is; there is nobody left to tell.
        }
    }
}
