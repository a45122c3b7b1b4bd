// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

/** Why a peer was refused or a connection given up. The codes are those of the protocol. */
public enum Refusal {
    /** No version of the protocol is known to both. */
    VERSION(1, false),
    /** The peer does not hold the token, or the certificate that TLS demands. */
    TOKEN(2, false),
    /** The peers do not mean the same memory. */
    LAYOUT(3, false),
    /** The server has as many clients as it may have. */
    BUSY(4, true),
    /** The connection belongs to no session that is open. */
    SESSION(5, true),
    /** A checksum or a sequence number is wrong: bytes were changed on the way. */
    CORRUPT(6, true),
    /** The bytes arrived as they were sent, and are against the protocol. */
    MALFORMED(7, false),
    /** A length is beyond its limit. */
    OVERSIZE(8, false),
    /** An address is outside of the layout, or not a page's. */
    OUT_OF_LAYOUT(9, false),
    /** Pages came that nobody had asked for. */
    UNREQUESTED(10, false),
    /** A request's number was used twice. */
    DUPLICATE(11, false),
    /** More was sent than may be outstanding. */
    FLOOD(12, false),
    /** Nothing, or no whole frame, came for too long. */
    SILENT(13, true),
    /** The two sides do not agree on how many pages were delivered. */
    COUNT(14, false),
    /** The image cannot be read. */
    SOURCE(15, true),
    /** The server is shutting down. */
    CLOSING(16, true),
    /** The connection ended without a word, or could not be made. Never sent. */
    LOST(17, true),
    /** This program itself is wrong: trying again would not help. Never sent. */
    INTERNAL(18, false);

    private static final Refusal[] ALL = values();

    private final int code;
    private final boolean temporary;

    Refusal(int code, boolean temporary) {
        this.code = code;
        this.temporary = temporary;
    }

    int code() {
        return code;
    }

    /** Whether another attempt, with nothing changed by an operator, may succeed. */
    public boolean isTemporary() {
        return temporary;
    }

    /** Whether a peer is told: the protocol has no word for what it sees itself. */
    boolean isTold() {
        return this != LOST && this != INTERNAL;
    }

    /** The reason with this code; null if this version does not know it. */
    static @Nullable Refusal of(int code) {
        return code >= 1 && code < INTERNAL.code ? ALL[code - 1] : null;
    }
}
