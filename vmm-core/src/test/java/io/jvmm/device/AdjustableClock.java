// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands until it is moved. */
final class AdjustableClock implements InstantSource {

    private Instant now;

    AdjustableClock(String now) {
        this.now = Instant.parse(now);
    }

    @Override
    public Instant instant() {
        return now;
    }

    void advance(Duration duration) {
        now = now.plus(duration);
    }

    void set(String time) {
        now = Instant.parse(time);
    }
}
