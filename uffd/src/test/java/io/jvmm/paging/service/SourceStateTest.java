// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.time.Duration;

final class SourceStateTest {

    private static final long HOUR = Duration.ofHours(1).toNanos();

    private final SourceState state = new SourceState(HOUR);

    @Test
    void isAskedAtOnceAtFirst() {
        assertThat(state.mayAsk()).isTrue();
        assertThat(state.waitNanos()).isZero();
        assertThat(state.comesBack()).as("it was never away").isFalse();
    }

    @Test
    void goesAwayOnceAndComesBackOnce() {
        assertThat(state.goesAway()).isTrue();
        assertThat(state.goesAway()).as("known already").isFalse();
        assertThat(state.mayAsk()).isFalse();
        assertThat(state.waitNanos()).isBetween(HOUR / 2, HOUR);

        state.available();
        assertThat(state.mayAsk()).isTrue();
        assertThat(state.comesBack()).isTrue();
        assertThat(state.comesBack()).as("known already").isFalse();
        assertThat(state.goesAway()).isTrue();
    }

    @Test
    void whatChangesIsLeftAloneForAMomentOnly() {
        state.changing();
        assertThat(state.waitNanos()).isLessThan(HOUR / 2);

        state.retryLater();
        state.changing();
        assertThat(state.waitNanos()).as("a longer wait stays").isGreaterThan(HOUR / 2);
    }

    @Test
    void theEndIsForGood() {
        state.end();
        state.available();
        assertThat(state.mayAsk()).isFalse();
        assertThat(state.isEnding()).isTrue();
    }
}
