// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

/**
 * Whether a requester was told that pages are away, and is to hear when it may ask again. Not
 * thread-safe.
 */
final class OwedNews {

    private boolean isOwed;
    private long notBefore;

    /** As soon as the source is back. */
    void owe() {
        owe(0);
    }

    /** Not before so many nanoseconds have passed. */
    void owe(long nanos) {
        long due = System.nanoTime() + nanos;
        if (!isOwed || due - notBefore > 0) {
            notBefore = due;
        }
        isOwed = true;
    }

    /** Whether news is due; from here on it is not owed any more. */
    boolean take() {
        boolean isDue = isOwed && System.nanoTime() - notBefore >= 0;
        isOwed &= !isDue;
        return isDue;
    }
}
