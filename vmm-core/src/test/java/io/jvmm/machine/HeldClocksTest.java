// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeldClocksTest {

    private static final int KHZ = 3_000_000;

    @Test
    void ticksOfAYearDoNotOverflow() {
        long year = 365L * 24 * 3600 * 1_000_000_000;
        assertThat(HeldClocks.ticks(year, KHZ)).isEqualTo(3 * year);
        assertThat(HeldClocks.ticks(-year, KHZ)).isEqualTo(-3 * year);
        assertThat(HeldClocks.ticks(1_500_000, 2_000_001)).isEqualTo(3_000_001);
    }
}
