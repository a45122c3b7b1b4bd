// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

/**
 * Whether the source may be asked. Not while it is away, nor while the memory is changing, nor any
 * more once the service ends. Thread-safe; nothing is allocated.
 */
final class SourceState {

    private static final long CHANGING_NANOS = 20_000;
    private static final long AT_ONCE = Long.MIN_VALUE;

    private final long retryNanos;
    // Until then the source is not asked. AT_ONCE saves who serves a fault a look at the clock.
    private volatile long notBefore = AT_ONCE;
    private volatile boolean away;
    private volatile boolean ending;

    /**
     * @param retryNanos how long to leave a source alone that is away
     */
    SourceState(long retryNanos) {
        this.retryNanos = retryNanos;
    }

    /** Whether the source may be asked now. */
    boolean mayAsk() {
        return !ending && waitNanos() <= 0;
    }

    /** How long the source is to be left alone, in nanoseconds; 0 or less: not at all. */
    long waitNanos() {
        long until = notBefore;
        return until == AT_ONCE ? 0 : until - System.nanoTime();
    }

    /** What was asked for could not be put in place, for a reason that lasts. */
    void retryLater() {
        notBefore = System.nanoTime() + retryNanos;
    }

    /** Pages are being dropped just now, which takes a moment. */
    void changing() {
        if (waitNanos() < CHANGING_NANOS) {
            notBefore = System.nanoTime() + CHANGING_NANOS;
        }
    }

    /** The source has answered that it is away; whether that is news. */
    boolean goesAway() {
        retryLater();
        boolean news = !away;
        away = true;
        return news;
    }

    /** The source has answered; whether it was away. */
    boolean comesBack() {
        boolean news = away;
        if (news) {
            away = false;
        }
        return news;
    }

    /** Whether the source has last answered that it is away. */
    boolean isAway() {
        return away;
    }

    /** It is worth asking at once, whatever was before. */
    void available() {
        notBefore = AT_ONCE;
    }

    /** The source is not asked any more. */
    void end() {
        ending = true;
    }

    boolean isEnding() {
        return ending;
    }
}
