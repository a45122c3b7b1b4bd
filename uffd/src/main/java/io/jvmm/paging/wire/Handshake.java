// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.wire.HandshakeMessage.Accept;
import io.jvmm.paging.wire.HandshakeMessage.Challenge;
import io.jvmm.paging.wire.HandshakeMessage.Hello;
import io.jvmm.paging.wire.HandshakeMessage.Proof;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * Opens a connection: agrees on a version, and proves to each side that the other holds the token.
 *
 * <p>The client proves first, so a stranger gets nothing to try tokens on. Both proofs cover both
 * nonces, hence none can be used again, and start with a word of their own, hence none can be sent
 * back.
 */
final class Handshake {

    private static final byte[] CLIENT = "client".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SERVER = "server".getBytes(StandardCharsets.US_ASCII);

    private Handshake() {}

    /**
     * The client's side.
     *
     * @throws WireException if either side refuses
     */
    static void open(FrameChannel channel, Token token, Role role, byte[] client, int epoch) {
        byte[] hello =
                new Hello(
                                Wire.MIN_VERSION,
                                Wire.MAX_VERSION,
                                role.code(),
                                client,
                                epoch,
                                Token.randomBytes(HandshakeMessage.NONCE_BYTES))
                        .encode();
        channel.writeMessage(hello);
        byte[] challenge = channel.readMessage(Challenge.BYTES);
        Challenge read = Challenge.decode(challenge);
        if (read.version() < Wire.MIN_VERSION || read.version() > Wire.MAX_VERSION) {
            throw refused(read.refusal(), Refusal.VERSION, turnedAway(read));
        }
        channel.writeMessage(new Proof(token.prove(CLIENT, hello, challenge)).encode());
        Accept accept = Accept.decode(channel.readMessage(Accept.BYTES));
        if (accept.refusal() != 0) {
            throw refused(accept.refusal(), Refusal.MALFORMED, "not let in");
        }
        if (!Token.isSame(accept.proof(), token.prove(SERVER, hello, challenge))) {
            throw new WireException(Refusal.TOKEN, "the server does not hold the token");
        }
        channel.beginFrames();
    }

    private static String turnedAway(Challenge read) {
        Refusal reason = Refusal.of(read.refusal());
        return reason == null || reason == Refusal.VERSION
                ? "it speaks versions %d to %d, we %d to %d"
                        .formatted(
                                read.minVersion(),
                                read.maxVersion(),
                                Wire.MIN_VERSION,
                                Wire.MAX_VERSION)
                : "not let in";
    }

    private static WireException refused(int code, Refusal otherwise, String text) {
        Refusal reason = Refusal.of(code);
        return WireException.told(reason == null ? otherwise : reason, text);
    }

    /**
     * The server's side.
     *
     * @param admission asked about a client that holds the token; null admits it
     * @throws WireException if the server refuses; the client was told
     */
    static Hello accept(
            FrameChannel channel, Token token, Function<Hello, @Nullable WireException> admission) {
        channel.refuseBy(reason -> challenge(0, reason.code()));
        byte[] hello = channel.readMessage(Hello.BYTES);
        Hello read;
        int version;
        try {
            read = Hello.decode(hello);
            version = commonVersion(read);
        } catch (WireException e) {
            channel.refuseBy(null);
            channel.writeMessage(challenge(0, e.reason().code()));
            throw e;
        }
        byte[] challenge = challenge(version, 0);
        channel.refuseBy(null);
        channel.writeMessage(challenge);
        channel.refuseBy(Handshake::rejection);
        byte[] proof = channel.readMessage(Proof.BYTES);
        try {
            if (!Token.isSame(Proof.decode(proof).proof(), token.prove(CLIENT, hello, challenge))) {
                throw new WireException(Refusal.TOKEN, "the client does not hold the token");
            }
            WireException refusal = admission.apply(read);
            if (refusal != null) {
                throw refusal;
            }
        } catch (WireException e) {
            channel.refuseBy(null);
            channel.writeMessage(rejection(e.reason()));
            throw e;
        }
        channel.refuseBy(null);
        channel.writeMessage(new Accept(0, token.prove(SERVER, hello, challenge)).encode());
        channel.beginFrames();
        return read;
    }

    private static int commonVersion(Hello hello) {
        int version = Math.min(hello.maxVersion(), Wire.MAX_VERSION);
        if (version < Math.max(hello.minVersion(), Wire.MIN_VERSION)) {
            throw new WireException(
                    Refusal.VERSION,
                    "the client speaks versions %d to %d, we %d to %d"
                            .formatted(
                                    hello.minVersion(),
                                    hello.maxVersion(),
                                    Wire.MIN_VERSION,
                                    Wire.MAX_VERSION));
        }
        return version;
    }

    private static byte[] rejection(Refusal reason) {
        return new Accept(reason.code(), new byte[Token.PROOF_BYTES]).encode();
    }

    private static byte[] challenge(int version, int refusal) {
        return new Challenge(
                        version,
                        refusal,
                        Wire.MIN_VERSION,
                        Wire.MAX_VERSION,
                        Token.randomBytes(HandshakeMessage.NONCE_BYTES))
                .encode();
    }

    /**
     * Exchanges layouts, the first frames of a connection.
     *
     * @param ours what to say
     * @return what the peer has said, about the same memory
     * @throws WireException {@code LAYOUT}, {@code MALFORMED}
     */
    static LayoutMessage layouts(FrameChannel channel, LayoutMessage ours) {
        channel.send(FrameType.LAYOUT, 0, 0, 0, 0, ours.encode());
        FrameHeader frame = channel.receive();
        if (frame.type() != FrameType.LAYOUT) {
            throw new WireException(Refusal.MALFORMED, "a " + frame.type() + " before the layout");
        }
        ByteBuffer payload = ByteBuffer.allocateDirect(frame.payloadBytes());
        channel.payload(payload);
        LayoutMessage theirs = LayoutMessage.decode(payload);
        theirs.requireSame(ours.layout());
        return theirs;
    }
}
