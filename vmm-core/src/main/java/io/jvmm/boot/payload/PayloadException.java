// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.IOException;

/** Compressed data cannot be unpacked: it is corrupt, truncated, or grows beyond its limit. */
public final class PayloadException extends IOException {

    private static final long serialVersionUID = 1;

    private final boolean limitReached;

    PayloadException(String message) {
        super(message);
        limitReached = false;
    }

    PayloadException(String message, Throwable cause) {
        super(message, cause);
        limitReached = false;
    }

    private PayloadException(long limit) {
        super("it unpacks to more than the %,d bytes allowed".formatted(limit));
        limitReached = true;
    }

    public static PayloadException beyond(long limit) {
        return new PayloadException(limit);
    }

    /** Whether the data may be sound, but unpacks to more than was allowed. */
    public boolean limitReached() {
        return limitReached;
    }
}
