// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.GuestRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

class ShardLayoutTest {

    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final long HVA = 1L << 40;

    @ParameterizedTest
    @CsvSource({
        "2048, 1, 2048",
        "4096, 4, 1024 1024 1024 1024",
        "1, 2, 1",
        "1024, 2, 512 512",
        "1023, 2, 512 511",
        "6, 2, 4 2",
        "6, 4, 2 2 2",
        "6144, 1, 2048 2048 2048",
        "6144, 4, 1536 1536 1536 1536"
    })
    void memoryIsDividedEvenlyInWholeChunks(long mebibytes, int count, String expected) {
        List<GuestRange> parts =
                ShardLayout.divide(List.of(new GuestRange(GIB, HVA, mebibytes * MIB)), count);
        assertThat(parts.stream().map(part -> part.length() / MIB).map(String::valueOf))
                .containsExactly(expected.split(" "));
    }

    @Test
    void partsFollowOneAnotherWithinTheirRange() {
        GuestRange low = new GuestRange(0, HVA, 3 * GIB);
        GuestRange high = new GuestRange(4 * GIB, HVA + 8 * GIB, 64 * MIB);
        List<GuestRange> parts = ShardLayout.divide(List.of(low, high), 4);
        long most = 768 * MIB + 16 * MIB;
        assertThat(parts)
                .containsExactly(
                        new GuestRange(0, HVA, most),
                        new GuestRange(most, HVA + most, most),
                        new GuestRange(2 * most, HVA + 2 * most, most),
                        new GuestRange(3 * most, HVA + 3 * most, 3 * GIB - 3 * most),
                        high);
    }

    @Test
    void aRangeThatBeginsWithinAChunkIsCutAtChunksAllTheSame() {
        GuestRange range = new GuestRange(0, HVA + MIB, 4 * MIB);
        assertThat(ShardLayout.divide(List.of(range), 2))
                .containsExactly(
                        new GuestRange(0, HVA + MIB, MIB),
                        new GuestRange(MIB, HVA + 2 * MIB, 2 * MIB),
                        new GuestRange(3 * MIB, HVA + 4 * MIB, MIB));
    }

    @Test
    void aRangeOfOnePageInAChunkIsAPart() {
        GuestRange range = new GuestRange(0, HVA + MIB, 4096);
        assertThat(ShardLayout.divide(List.of(range), 64)).containsExactly(range);
    }
}
