// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** How a frame carries guest memory. */
enum Encoding {
    /** All zeros; no payload. */
    ZERO(0),
    /** As it is in memory. */
    RAW(1),
    /** RFC 1950 (zlib); only to a peer that has said it accepts it. */
    DEFLATE(2);

    private static final Encoding[] ALL = values();

    private final int code;

    Encoding(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    /** The encoding's bit in a layout message. */
    int bit() {
        return 1 << code;
    }

    /**
     * @throws WireException if no encoding has the code
     */
    static Encoding of(int code) {
        if (code >= ALL.length) {
            throw new WireException(Refusal.MALFORMED, "no encoding has code " + code);
        }
        return ALL[code];
    }
}
