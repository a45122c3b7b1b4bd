// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import java.io.IOException;
import java.security.cert.CertificateException;

import javax.net.ssl.SSLException;

/**
 * A peer was refused, refused us, or was lost. The message says what was seen; bytes of the peer
 * are in it only after {@link #printable}.
 */
public final class WireException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final Refusal reason;
    private final boolean fromPeer;

    WireException(Refusal reason, String message) {
        this(reason, message, false);
    }

    private WireException(Refusal reason, String message, boolean fromPeer) {
        super(reason + ": " + message);
        this.reason = reason;
        this.fromPeer = fromPeer;
    }

    /** The peer says that it gives up. */
    static WireException told(Refusal reason, String text) {
        return new WireException(reason, "the peer says: " + printable(text), true);
    }

    /** The connection broke, or TLS did not come about. */
    static WireException lost(IOException cause) {
        String message = printable(String.valueOf(cause.getMessage()));
        // The alerts of RFC 8446 that are about certificates all have the word in their names.
        boolean isRefused =
                cause instanceof SSLException
                        && (cause.getCause() instanceof CertificateException
                                || message.contains("certificate"));
        WireException lost =
                new WireException(isRefused ? Refusal.TOKEN : Refusal.LOST, message, false);
        lost.initCause(cause);
        return lost;
    }

    public Refusal reason() {
        return reason;
    }

    /** Whether it was the other side that refused. */
    public boolean isFromPeer() {
        return fromPeer;
    }

    /** Text of a peer, harmless to a terminal and a log. */
    static String printable(String text) {
        StringBuilder clean = new StringBuilder(text.length());
        text.codePoints()
                .map(point -> Character.isISOControl(point) || point == 0x2028 ? '?' : point)
                .forEach(clean::appendCodePoint);
        return clean.toString();
    }
}
