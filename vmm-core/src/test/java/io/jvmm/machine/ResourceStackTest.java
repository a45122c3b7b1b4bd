// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ResourceStackTest {

    private final ResourceStack addresses = new ResourceStack("bytes", 0x1000, 0x3000);

    @Test
    void whatIsTakenFollowsOneAnotherAligned() {
        assertThat(addresses.take(0x10, 0x10)).isEqualTo(0x1000);
        assertThat(addresses.take(1, 1)).isEqualTo(0x1010);
        assertThat(addresses.take(0x20, 0x20)).isEqualTo(0x1020);
        assertThat(addresses.take(0x1000, 0x1000)).isEqualTo(0x2000);
    }

    @Test
    void theLastCanBeTakenAndNoneAfterIt() {
        assertThat(addresses.take(0x3000, 1)).isEqualTo(0x1000);
        assertThatExceptionOfType(MachineException.class)
                .isThrownBy(() -> addresses.take(1, 1))
                .withMessageContaining("no 0x1 of bytes left");
    }

    @Test
    void whatDoesNotFitTakesNothing() {
        for (long tooMany : new long[] {0x3001, Long.MAX_VALUE}) {
            assertThatExceptionOfType(MachineException.class)
                    .isThrownBy(() -> addresses.take(tooMany, 1));
        }
        assertThatExceptionOfType(MachineException.class)
                .isThrownBy(() -> addresses.take(1, 1L << 62));
        assertThat(addresses.take(1, 1)).isEqualTo(0x1000);
    }

    @Test
    void thatOnlyPowersOfTwoAlignIsSaid() {
        assertThatIllegalArgumentException().isThrownBy(() -> addresses.take(1, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> addresses.take(0, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> addresses.take(1, 0));
    }
}
