// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/** The kinds of frames, and how much may follow the header of each. */
enum FrameType {
    /** The first frame of each side on each connection: a {@link LayoutMessage}. */
    LAYOUT(1, LayoutMessage.MAX_BYTES),
    /** Control, from the client: which pages it has, a piece of the bitmap. */
    HAVE(2, Wire.MAX_PAYLOAD),
    /** From the client: wants memory. */
    REQUEST(3, 0),
    /** From the client: no longer wants it. */
    CANCEL(4, 0),
    /** From the server: memory that was asked for. */
    DATA(5, Wire.MAX_PAYLOAD),
    /** From the server: cannot supply what was asked for. */
    FAILED(6, Wire.MAX_TEXT),
    /** From the server: a request was dropped as wished. */
    CANCELLED(7, 0),
    /** Bulk, from the client: how many more bytes may be pushed. */
    WINDOW(8, 0),
    /** Bulk, from the server: memory within the window. */
    PUSH(9, Wire.MAX_PAYLOAD),
    /** Control: all pages are there, and how many; the server's is the answer to the client's. */
    DONE(10, 0),
    /** Still alive. */
    PING(11, 0),
    /** Control: leaves in good order without being done. */
    BYE(12, 0),
    /** Gives up, and why. The last frame of its sender. */
    ERROR(13, Wire.MAX_TEXT);

    private static final FrameType[] ALL = values();

    private final int code;
    private final int maxPayload;

    FrameType(int code, int maxPayload) {
        this.code = code;
        this.maxPayload = maxPayload;
    }

    int code() {
        return code;
    }

    int maxPayload() {
        return maxPayload;
    }

    /**
     * @throws WireException if no frame has the code
     */
    static FrameType of(int code) {
        if (code < 1 || code > ALL.length) {
            throw new WireException(Refusal.MALFORMED, "no frame has type " + code);
        }
        return ALL[code - 1];
    }
}
