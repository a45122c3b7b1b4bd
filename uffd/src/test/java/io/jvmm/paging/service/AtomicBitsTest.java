// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.Random;

class AtomicBitsTest {

    private static final int TRIES = 200_000;

    private final Random random = new Random(9);

    /** With long runs in it, as memory has them. */
    private long someBits() {
        long bits = -1;
        for (int cleared = random.nextInt(5); cleared > 0; cleared--) {
            bits &= ~(1L << random.nextInt(Long.SIZE));
        }
        return bits;
    }

    @Test
    void aRunGoesAsFarAsBitsAreSetFromEitherEndOfTheMask() {
        for (int i = 0; i < TRIES; i++) {
            int first = random.nextInt(Long.SIZE);
            int count = 1 + random.nextInt(Long.SIZE - first);
            long mask = AtomicBits.mask(first, count);
            long bits = someBits();
            long up = 0;
            for (int bit = first; bit < first + count && isSet(bits, bit); bit++) {
                up |= 1L << bit;
            }
            long down = 0;
            for (int bit = first + count - 1; bit >= first && isSet(bits, bit); bit--) {
                down |= 1L << bit;
            }
            assertThat(AtomicBits.lowestRun(bits, mask)).isEqualTo(up);
            assertThat(AtomicBits.highestRun(bits, mask)).isEqualTo(down);
        }
    }

    private static boolean isSet(long bits, int bit) {
        return (bits >>> bit & 1) != 0;
    }
}
