// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The four messages that open a connection, little-endian, of fixed size, with a CRC32C at the end.
 * Their form is the same in every version, up to the choice of it.
 */
sealed interface HandshakeMessage {

    /** {@code JVMMPAGE} in ASCII. */
    long MAGIC = 0x454741504d4d564aL;

    int NONCE_BYTES = 32;
    int CLIENT_BYTES = 16;
    int SUM_BYTES = 4;

    /** All of the message, checksum included. */
    byte[] encode();

    /**
     * First, from the client.
     *
     * @param minVersion the oldest version that it speaks
     * @param maxVersion the newest
     * @param role code of the connection's {@link Role}
     * @param client 16 bytes, chosen once by the client at random
     * @param epoch number of the client's attempt, the same on all connections of a session; a
     *     greater one supersedes a smaller one
     * @param nonce 32 random bytes
     */
    @SuppressWarnings("ArrayRecordComponent") // a message, compared by no one
    record Hello(int minVersion, int maxVersion, int role, byte[] client, int epoch, byte[] nonce)
            implements HandshakeMessage {

        static final int BYTES = 72;

        @Override
        public byte[] encode() {
            byte[] bytes = new byte[BYTES];
            ByteBuffer to = open(bytes).putLong(MAGIC);
            to.putShort((short) minVersion).putShort((short) maxVersion);
            to.put((byte) role).put((byte) 0).putShort((short) 0);
            to.put(client).putInt(epoch).put(nonce);
            return seal(bytes);
        }

        static Hello decode(byte[] bytes) {
            ByteBuffer from = check(bytes, BYTES);
            requireMagic(from);
            int min = Short.toUnsignedInt(from.getShort());
            int max = Short.toUnsignedInt(from.getShort());
            int role = Byte.toUnsignedInt(from.get());
            if (from.get() != 0 || from.getShort() != 0) {
                throw new WireException(Refusal.MALFORMED, "reserved bytes are not zero");
            }
            byte[] client = take(from, CLIENT_BYTES);
            int epoch = from.getInt();
            return new Hello(min, max, role, client, epoch, take(from, NONCE_BYTES));
        }
    }

    /**
     * Second, from the server.
     *
     * @param version the newest that both speak; 0 if refused
     * @param refusal code of the {@link Refusal}; 0 if not
     * @param minVersion the oldest version that the server speaks
     * @param maxVersion the newest
     * @param nonce 32 random bytes
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Challenge(int version, int refusal, int minVersion, int maxVersion, byte[] nonce)
            implements HandshakeMessage {

        static final int BYTES = 52;

        @Override
        public byte[] encode() {
            byte[] bytes = new byte[BYTES];
            ByteBuffer to = open(bytes).putLong(MAGIC);
            to.putShort((short) version).putShort((short) refusal);
            to.putShort((short) minVersion).putShort((short) maxVersion);
            to.put(nonce);
            return seal(bytes);
        }

        static Challenge decode(byte[] bytes) {
            ByteBuffer from = check(bytes, BYTES);
            requireMagic(from);
            int version = Short.toUnsignedInt(from.getShort());
            int refusal = Short.toUnsignedInt(from.getShort());
            int min = Short.toUnsignedInt(from.getShort());
            int max = Short.toUnsignedInt(from.getShort());
            return new Challenge(version, refusal, min, max, take(from, NONCE_BYTES));
        }
    }

    /**
     * Third, from the client.
     *
     * @param proof HMAC-SHA256 under the token of {@code "client"}, hello and challenge
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Proof(byte[] proof) implements HandshakeMessage {

        static final int BYTES = 36;

        @Override
        public byte[] encode() {
            byte[] bytes = new byte[BYTES];
            open(bytes).put(proof);
            return seal(bytes);
        }

        static Proof decode(byte[] bytes) {
            return new Proof(take(check(bytes, BYTES), Token.PROOF_BYTES));
        }
    }

    /**
     * Last, from the server. Frames follow at once if it is no refusal.
     *
     * @param refusal code of the {@link Refusal}; 0 if accepted
     * @param proof HMAC-SHA256 under the token of {@code "server"}, hello and challenge; zeros in a
     *     refusal
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Accept(int refusal, byte[] proof) implements HandshakeMessage {

        static final int BYTES = 40;

        @Override
        public byte[] encode() {
            byte[] bytes = new byte[BYTES];
            open(bytes).putShort((short) refusal).putShort((short) 0).put(proof);
            return seal(bytes);
        }

        static Accept decode(byte[] bytes) {
            ByteBuffer from = check(bytes, BYTES);
            int refusal = Short.toUnsignedInt(from.getShort());
            if (from.getShort() != 0) {
                throw new WireException(Refusal.MALFORMED, "reserved bytes are not zero");
            }
            return new Accept(refusal, take(from, Token.PROOF_BYTES));
        }
    }

    private static ByteBuffer open(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] seal(byte[] bytes) {
        open(bytes).putInt(bytes.length - SUM_BYTES, sum(bytes));
        return bytes;
    }

    private static ByteBuffer check(byte[] bytes, int length) {
        ByteBuffer from = open(bytes);
        if (bytes.length != length || from.getInt(length - SUM_BYTES) != sum(bytes)) {
            throw new WireException(
                    Refusal.CORRUPT, "a message of the handshake has the wrong checksum");
        }
        return from;
    }

    private static int sum(byte[] bytes) {
        CRC32C sum = new CRC32C();
        sum.update(bytes, 0, bytes.length - SUM_BYTES);
        return (int) sum.getValue();
    }

    private static void requireMagic(ByteBuffer from) {
        if (from.getLong() != MAGIC) {
            throw new WireException(Refusal.MALFORMED, "the peer speaks another protocol");
        }
    }

    private static byte[] take(ByteBuffer from, int count) {
        byte[] bytes = new byte[count];
        from.get(bytes);
        return bytes;
    }
}
