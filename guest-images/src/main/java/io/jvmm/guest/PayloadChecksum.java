// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

/**
 * What {@link Payload#CHECKSUM} computes, by plain arithmetic. The guest does the same with
 * whatever registers the processor has.
 *
 * <p>Not thread-safe.
 */
public final class PayloadChecksum {

    private static final int STEPS = 8_000;
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;
    private static final int TURN = 7;
    private static final int FOLD_TURN = 29;
    private static final int LANES = 4;
    private static final int LANE_BITS = 16;
    private static final int LANE_MASK = 0xfff;
    private static final int SUMS = 7;
    private static final int STRING_LENGTH = 16;

    private final PayloadEcho echo = new PayloadEcho();
    private final long[] registers = new long[8];
    private long value;

    /**
     * The checksum before the first round.
     *
     * @param worker number of the vCPU, 0 to 63
     */
    public PayloadChecksum(int worker) {
        value = GOLDEN * (worker + 1);
    }

    /** The checksum after so many more rounds. */
    public long after(long rounds) {
        for (long i = 0; i < rounds; i++) {
            general();
            vectors();
            x87();
            strings();
        }
        return value;
    }

    private void fold(long term) {
        value = Long.rotateLeft(value ^ term, FOLD_TURN) * GOLDEN;
    }

    private void general() {
        for (int i = 0; i < registers.length; i++) {
            registers[i] = value;
            value *= GOLDEN;
        }
        int last = registers.length - 1;
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < last; i++) {
                registers[i] = Long.rotateLeft(registers[i] + registers[i + 1], TURN);
            }
            registers[last] = Long.rotateLeft(registers[last] + registers[0], TURN);
        }
        for (long register : registers) {
            fold(register);
        }
    }

    private void vectors() {
        long pieces = value;
        for (int lane = 0; lane < LANES; lane++) {
            long first = (pieces >>> (lane * LANE_BITS)) & LANE_MASK;
            long total = 0;
            for (int sum = 0; sum < SUMS; sum++) {
                total += rising(first + sum);
            }
            fold(total);
        }
    }

    /** The sum of {@link #STEPS} numbers that rise by one. */
    private static long rising(long first) {
        return STEPS * first + STEPS * (STEPS - 1L) / 2;
    }

    private void x87() {
        long pieces = value;
        fold(rising((pieces & 0xffff) + 1));
        for (int i = SUMS - 1; i >= 0; i--) {
            fold((pieces >>> (i * Byte.SIZE)) & 0xff);
        }
    }

    private void strings() {
        for (int i = STRING_LENGTH; i > 0; i--) {
            value = value * GOLDEN + i;
            echo.write((int) (value >>> Integer.SIZE));
        }
        for (int i = 0; i < STRING_LENGTH; i++) {
            fold(Integer.toUnsignedLong(echo.read()));
        }
    }
}
