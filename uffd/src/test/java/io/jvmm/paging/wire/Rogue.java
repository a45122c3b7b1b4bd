// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.zip.CRC32C;

/** One end of a connection that can be used to say anything. */
final class Rogue implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    final Link link;
    final FrameChannel channel;
    private final Watchdog watchdog = new Watchdog("rogue");
    private int sequence;

    Rogue(Link link) {
        this.link = link;
        channel = new FrameChannel(link, PATIENCE, watchdog);
    }

    static Rogue to(PeerAddress address) throws IOException {
        Watchdog connecting = new Watchdog("rogue-connect");
        try {
            return new Rogue(address.connect(PATIENCE, connecting));
        } finally {
            connecting.close();
        }
    }

    /** Connects as a client in good order, up to and with the layouts. */
    static Rogue client(
            PeerAddress address, Token token, Role role, byte[] client, PageLayout layout)
            throws IOException {
        Rogue rogue = to(address);
        Handshake.open(rogue.channel, token, role, client, 1);
        rogue.layouts(layout, 5_000);
        return rogue;
    }

    void layouts(PageLayout layout, int silenceMillis) {
        LayoutMessage ours =
                new LayoutMessage(layout, Encoding.ZERO.bit() | Encoding.RAW.bit(), silenceMillis);
        LayoutMessage _ = Handshake.layouts(channel, ours);
        sequence = 1;
    }

    /** Writes bytes, whatever they mean. */
    void raw(byte[] bytes) {
        try {
            link.write(ByteBuffer.wrap(bytes), Link.NOTHING);
        } catch (IOException e) {
            throw WireException.lost(e);
        }
    }

    /** A whole frame that is right as a frame. */
    void frame(FrameType type, int detail, long id, long address, int length, byte[] payload) {
        raw(bytes(type.code(), detail, id, address, length, payload.length, payload));
    }

    void frame(FrameType type, int detail, long id, long address, int length) {
        frame(type, detail, id, address, length, new byte[0]);
    }

    /** The bytes of a frame with the next sequence number, its sums right, all else as wished. */
    byte[] bytes(
            int type,
            int detail,
            long id,
            long address,
            int length,
            int payloadBytes,
            byte[] payload) {
        byte[] frame = new byte[FrameHeader.BYTES + payload.length];
        ByteBuffer to = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        to.put((byte) type).put((byte) detail).putShort((short) 0).putInt(sequence++);
        to.putLong(id).putLong(address).putInt(length).putInt(payloadBytes);
        to.putInt(payload.length == 0 ? 0 : sum(payload, payload.length));
        to.putInt(sum(frame, FrameHeader.BYTES - 4)).put(payload);
        return frame;
    }

    private static int sum(byte[] bytes, int count) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, 0, count);
        return (int) sum.getValue();
    }

    /** Reads until the other side says why it gives up, or ends without a word. */
    Refusal verdict() {
        ByteBuffer dropped = ByteBuffer.allocate(Wire.MAX_PAYLOAD);
        try {
            while (true) {
                FrameHeader frame = channel.receive();
                channel.payload(dropped.clear().limit(frame.payloadBytes()));
            }
        } catch (WireException e) {
            return e.reason();
        }
    }

    /** Reads to the end of the stream, without looking. */
    void drain() {
        ByteBuffer dropped = ByteBuffer.allocate(Wire.MAX_PAYLOAD);
        try {
            while (link.read(dropped.clear(), Link.NOTHING) >= 0) {
                // Goes on.
            }
        } catch (IOException e) {
            // That is an end too.
        }
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void close() {
        channel.close();
        watchdog.close();
    }
}
