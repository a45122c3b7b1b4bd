// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.memory.GuestMemoryMap.Range;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;

class GuestMemoryMapTest {

    private static final long GIB = 1L << 30;

    @ParameterizedTest
    @ValueSource(longs = {16L << 20, 100L << 20, GIB, 3 * GIB - 4096, 3 * GIB})
    void upToTheHoleIsOneRange(long bytes) {
        assertThat(GuestMemoryMap.plan(bytes).ranges()).containsExactly(new Range(0, bytes));
    }

    @ParameterizedTest
    @ValueSource(longs = {3 * GIB + 4096, 4 * GIB, 6 * GIB, 512 * GIB, 1023 * GIB})
    void theRestContinuesAtFourGib(long bytes) {
        GuestMemoryMap map = GuestMemoryMap.plan(bytes);
        assertThat(map.ranges())
                .containsExactly(new Range(0, 3 * GIB), new Range(4 * GIB, bytes - 3 * GIB));
        assertThat(map.sizeBytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({
        "0, too small; the least is 16 MiB",
        "-4096, too small",
        "16773120, too small",
        "16777217, not a number of 4 KiB pages",
        "1098437890048, too large; the most is 1047552 MiB",
        "9223372036854775807, too large",
    })
    void refusesInWords(long bytes, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GuestMemoryMap.plan(bytes))
                .withMessageContaining(message);
    }

    @Test
    void keepsACopyOfItsRanges() {
        var ranges = new ArrayList<>(GuestMemoryMap.plan(GIB).ranges());
        GuestMemoryMap map = new GuestMemoryMap(ranges);
        ranges.clear();
        assertThat(map.ranges()).hasSize(1);
    }
}
