// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.time.Duration;

/**
 * How long a guest that asks for a reset has to wait for it: not at all, unless it has run only
 * shortly since the last one; then twice as long each time, up to a second. A guest that resets in
 * a loop must not keep a processor of the host busy with it. Thread-safe.
 */
final class RebootPace {

    private static final Duration HAS_RUN = Duration.ofSeconds(1);
    private static final Duration FIRST = Duration.ofMillis(10);
    private static final Duration LONGEST = Duration.ofSeconds(1);

    private Duration next = Duration.ZERO;

    /**
     * The pause before the reset that is asked for now.
     *
     * @param ran how long the guest has run since it was started or reset
     */
    synchronized Duration after(Duration ran) {
        Duration pause = ran.compareTo(HAS_RUN) >= 0 ? Duration.ZERO : next;
        next = pause.isZero() ? FIRST : pause.multipliedBy(2);
        if (next.compareTo(LONGEST) > 0) {
            next = LONGEST;
        }
        return pause;
    }
}
