// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.stream.Stream;

/** Flipped bits in packed data: refused or unpacked, but never anything else, and never large. */
class CorruptPayloadTest {

    private static final int LIMIT = 1 << 20;
    private static final int ROUNDS = 150;

    /**
     * Limit, block buffers and tables; a library's dictionary may be far larger than its content.
     */
    private static final long ALLOCATION_MAX = 150L << 20;

    static Stream<byte[]> samples() {
        return CompressionTest.packedSamples();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void flippedBytesAreRefusedOrHarmless(byte[] packed) {
        Random random = new Random(20);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (int round = 0; round < ROUNDS; round++) {
            byte[] damaged = packed.clone();
            int flips = 1 + random.nextInt(4);
            for (int i = 0; i < flips; i++) {
                // Half of them in the headers, where they hurt most; the magic number stays.
                int range = random.nextBoolean() ? Math.min(64, packed.length) : packed.length;
                damaged[9 + random.nextInt(range - 9)] ^= (byte) (1 << random.nextInt(8));
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            try {
                assertThat(CompressionTest.unpack(damaged, 0, LIMIT).length)
                        .isLessThanOrEqualTo(LIMIT);
            } catch (PayloadException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
            assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                    .isLessThan(ALLOCATION_MAX);
        }
    }
}
