// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
class WarmUpTest {

    @Test
    void aPassThatNeverEndsByItselfEndsWithTheTime() throws Exception {
        AtomicInteger passes = new AtomicInteger();

        WarmUp.with(
                Duration.ofMillis(50),
                limit -> {
                    passes.incrementAndGet();
                    while (!limit.isOver()) {
                        Thread.onSpinWait();
                    }
                });

        assertThat(passes.get()).isEqualTo(1);
    }

    @Test
    void aPassThatCompilesNothingIsNotRepeatedForLong() throws Exception {
        AtomicInteger passes = new AtomicInteger();

        WarmUp.with(limit -> passes.incrementAndGet());

        assertThat(passes.get()).isBetween(2, 20);
    }
}
