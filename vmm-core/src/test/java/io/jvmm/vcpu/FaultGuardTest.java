// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FaultGuardTest {

    private final FaultGuard guard = new FaultGuard();

    private int admitted(int pages, boolean present, int atMost) {
        int count = 0;
        while (count < atMost && guard.admits((long) (count % pages) * 4096 + count % 7, present)) {
            count++;
        }
        return count;
    }

    @Test
    void faultsOnOnePageEndSomeTime() {
        assertThat(admitted(1, false, 100_000)).isEqualTo(FaultGuard.SAME);
    }

    @Test
    void faultsOnPagesThatAreThereEndSomeTime() {
        assertThat(admitted(3, true, 100_000)).isEqualTo(FaultGuard.FRUITLESS - 1);
    }

    @Test
    void faultsOnMissingPagesDoNotEnd() {
        assertThat(admitted(2, false, 100_000)).isEqualTo(100_000);
    }

    @Test
    void aVcpuThatGetsOnBeginsAnew() {
        for (int round = 0; round < 100; round++) {
            assertThat(admitted(1, true, FaultGuard.SAME - 1)).isEqualTo(FaultGuard.SAME - 1);
            guard.reset();
        }
    }
}
