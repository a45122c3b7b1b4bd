// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LevelIrqTest {

    private final RecordingLine line = new RecordingLine();
    private final Object lock = new Object();
    private final LevelIrq irq = new LevelIrq(line, lock);

    private boolean want(boolean level) {
        synchronized (lock) {
            return irq.want(level);
        }
    }

    @Test
    void unchangedLevelNeedsNoSettling() {
        assertThat(want(false)).isFalse();
        assertThat(want(true)).isTrue();
        assertThat(want(true)).isFalse();
    }

    @Test
    void dipBetweenTwoSettlingsIsDriven() {
        want(true);
        irq.settle();
        want(false);
        want(true);

        irq.settle();

        assertThat(line.high()).isTrue();
        assertThat(line.edges()).isEqualTo(2);
    }

    @Test
    void requestThatIsGoneBeforeSettlingIsNotDriven() {
        want(true);
        want(false);

        irq.settle();

        assertThat(line.calls()).isZero();
    }

    @Test
    void lateSettlerFindsNothingToDo() {
        want(true);
        irq.settle();
        irq.settle();

        assertThat(line.calls()).isEqualTo(1);
    }

    @Test
    void restartGivesAnEdgeToAWantedLevel() {
        want(true);
        irq.settle();

        irq.restart();

        assertThat(line.edges()).isEqualTo(2);
        assertThat(line.high()).isTrue();
    }

    @Test
    void restartLowersALineThatNobodyWants() {
        line.raise();

        irq.restart();

        assertThat(line.high()).isFalse();
    }
}
