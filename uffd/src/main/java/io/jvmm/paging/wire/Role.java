// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** What a connection of a session is for. */
enum Role {
    /** Opens and ends the session; no memory passes over it. Exactly one. */
    CONTROL(0),
    /** Pages that somebody waits for, and nothing else. Exactly one. */
    URGENT(1),
    /** Everything else: prefetch, sweep, pushed pages. Any number up to the server's limit. */
    BULK(2);

    private static final Role[] ALL = values();

    private final int code;

    Role(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /**
     * @throws WireException if no role has the code
     */
    static Role of(int code) {
        if (code < 0 || code >= ALL.length) {
            throw new WireException(Refusal.MALFORMED, "no connection has role " + code);
        }
        return ALL[code];
    }
}
