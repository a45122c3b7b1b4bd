// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The 40 bytes that start every frame, little-endian. Used again for frame after frame, by one
 * thread at a time.
 *
 * <p>The header has a checksum of its own, so that a changed length is noticed before anybody waits
 * for that many bytes.
 */
final class FrameHeader {

    static final int BYTES = 40;

    private static final int TYPE = 0;
    private static final int DETAIL = 1;
    private static final int ZEROS = 2;
    private static final int SEQUENCE = 4;
    private static final int ID = 8;
    private static final int ADDRESS = 16;
    private static final int LENGTH = 24;
    private static final int PAYLOAD_BYTES = 28;
    private static final int PAYLOAD_SUM = 32;
    private static final int HEADER_SUM = 36;

    private final CRC32C sum = new CRC32C();

    private FrameType type = FrameType.PING;
    private int detail;
    private long id;
    private long address;
    private int length;
    private int payloadBytes;
    private int payloadSum;

    /** Starts a frame without payload. */
    FrameHeader set(FrameType newType, int newDetail, long newId, long newAddress, int newLength) {
        type = newType;
        detail = newDetail;
        id = newId;
        address = newAddress;
        length = newLength;
        payloadBytes = 0;
        payloadSum = 0;
        return this;
    }

    /** Says what will follow; the buffer's position stays. */
    FrameHeader payload(ByteBuffer payload) {
        payloadBytes = payload.remaining();
        payloadSum = sum(payload);
        return this;
    }

    /** Whether these bytes, whose position stays, are what the header has promised. */
    boolean matches(ByteBuffer payload) {
        return payload.remaining() == payloadBytes && sum(payload) == payloadSum;
    }

    private int sum(ByteBuffer bytes) {
        if (!bytes.hasRemaining()) {
            return 0;
        }
        int position = bytes.position();
        sum.reset();
        sum.update(bytes);
        bytes.position(position);
        return (int) sum.getValue();
    }

    /**
     * Writes the header into an empty buffer of {@link #BYTES} and flips it.
     *
     * @param sequence the frame's number on its connection and direction, from 0
     */
    void encode(ByteBuffer to, int sequence) {
        to.clear().order(ByteOrder.LITTLE_ENDIAN);
        to.put((byte) type.code()).put((byte) detail).putShort((short) 0).putInt(sequence);
        to.putLong(id).putLong(address).putInt(length).putInt(payloadBytes).putInt(payloadSum);
        to.flip();
        int headerSum = sum(to);
        to.limit(BYTES).position(HEADER_SUM);
        to.putInt(headerSum).flip();
    }

    /**
     * Takes the next {@link #BYTES} from a buffer that has them.
     *
     * @param sequence the number that the frame must have
     * @throws WireException {@code CORRUPT}, {@code MALFORMED} or {@code OVERSIZE}
     */
    void decode(ByteBuffer from, int sequence) {
        from.order(ByteOrder.LITTLE_ENDIAN);
        int start = from.position();
        int limit = from.limit();
        from.limit(start + HEADER_SUM);
        int headerSum = sum(from);
        from.limit(limit).position(start + BYTES);
        if (from.getInt(start + HEADER_SUM) != headerSum) {
            throw new WireException(Refusal.CORRUPT, "a frame's header has the wrong checksum");
        }
        if (from.getInt(start + SEQUENCE) != sequence) {
            throw new WireException(
                    Refusal.CORRUPT,
                    "frame %d came where %d was due"
                            .formatted(
                                    Integer.toUnsignedLong(from.getInt(start + SEQUENCE)),
                                    Integer.toUnsignedLong(sequence)));
        }
        type = FrameType.of(Byte.toUnsignedInt(from.get(start + TYPE)));
        detail = Byte.toUnsignedInt(from.get(start + DETAIL));
        id = from.getLong(start + ID);
        address = from.getLong(start + ADDRESS);
        length = from.getInt(start + LENGTH);
        payloadBytes = from.getInt(start + PAYLOAD_BYTES);
        payloadSum = from.getInt(start + PAYLOAD_SUM);
        if (from.getShort(start + ZEROS) != 0) {
            throw new WireException(Refusal.MALFORMED, "bytes 2 and 3 of a header are not zero");
        }
        if (payloadBytes < 0 || payloadBytes > type.maxPayload()) {
            throw new WireException(
                    Refusal.OVERSIZE,
                    "%d bytes follow a %s, at most %d may"
                            .formatted(
                                    Integer.toUnsignedLong(payloadBytes), type, type.maxPayload()));
        }
    }

    FrameType type() {
        return type;
    }

    /** Priority, encoding, reason or flag, as the type has it; 0 to 255. */
    int detail() {
        return detail;
    }

    /** The request's number, or a count. */
    long id() {
        return id;
    }

    /** Guest-physical address, or an index or count, as the type has it. */
    long address() {
        return address;
    }

    /** Bytes of guest memory that the frame is about. */
    int length() {
        return length;
    }

    /** Bytes that follow. */
    int payloadBytes() {
        return payloadBytes;
    }

    @Override
    public String toString() {
        return "%s %d (address 0x%x, length 0x%x, detail %d, payload %d)"
                .formatted(type, id, address, length, detail, payloadBytes);
    }
}
