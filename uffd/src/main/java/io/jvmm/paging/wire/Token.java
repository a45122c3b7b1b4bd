// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HexFormat;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The secret that a client and a server share. It names one image: whoever holds it may read that
 * image, and whoever serves under it serves that image.
 *
 * <p>It is never sent. Each side proves that it knows it by an HMAC-SHA256 (RFC 2104) over what
 * both have said before.
 */
public final class Token {

    /** The fewest bytes: what is shorter could be guessed from a recorded handshake. */
    public static final int MIN_BYTES = 16;

    /** The most bytes. */
    public static final int MAX_BYTES = 64;

    static final int PROOF_BYTES = 32;

    private static final String HMAC = "HmacSHA256";
    private static final SecureRandom RANDOM = new SecureRandom();

    private final SecretKeySpec key;

    private Token(byte[] secret) {
        if (secret.length < MIN_BYTES || secret.length > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "a token has %d to %d bytes, not %d"
                            .formatted(MIN_BYTES, MAX_BYTES, secret.length));
        }
        key = new SecretKeySpec(secret, HMAC);
    }

    /** A new token of 32 random bytes. */
    public static Token random() {
        return new Token(randomBytes(32));
    }

    /**
     * @param secret {@link #MIN_BYTES} to {@link #MAX_BYTES} bytes that nobody can guess
     */
    public static Token of(byte[] secret) {
        return new Token(secret);
    }

    /**
     * @param hexadecimal two digits a byte, as {@link #hexadecimal()} gives them
     */
    public static Token parse(String hexadecimal) {
        return new Token(HexFormat.of().parseHex(hexadecimal.strip()));
    }

    /** The secret, to hand it to the other side by a safe way. */
    public String hexadecimal() {
        return HexFormat.of().formatHex(key.getEncoded());
    }

    static byte[] randomBytes(int count) {
        byte[] bytes = new byte[count];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    /** What only a holder of the token can say about these messages. */
    byte[] prove(byte[]... messages) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(key);
            for (byte[] message : messages) {
                mac.update(message);
            }
            return mac.doFinal();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + HMAC, e);
        }
    }

    /** Compares in a time that does not depend on where two proofs differ. */
    static boolean isSame(byte[] one, byte[] other) {
        return MessageDigest.isEqual(one, other);
    }

    /** Says nothing of the secret. */
    @Override
    public String toString() {
        return "token";
    }
}
