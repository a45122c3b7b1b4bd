// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.function.LongBinaryOperator;

/** Vectors of up to 256 bits as four longs, and their lanes of 8, 16, 32 or 64 bits. */
final class Lanes {

    private Lanes() {}

    /** A lane, zero-extended. */
    static long get(long[] vector, int width, int lane) {
        int bit = lane * width;
        long value = vector[bit / Long.SIZE] >>> bit % Long.SIZE;
        return width == Long.SIZE ? value : value & ((1L << width) - 1);
    }

    /** A lane, sign-extended. */
    static long signed(long[] vector, int width, int lane) {
        return sign(get(vector, width, lane), width);
    }

    static long sign(long value, int width) {
        return value << (Long.SIZE - width) >> (Long.SIZE - width);
    }

    /** Sets a lane to the low bits of a value. */
    static void set(long[] vector, int width, int lane, long value) {
        int bit = lane * width;
        long mask = width == Long.SIZE ? -1L : (1L << width) - 1;
        int shift = bit % Long.SIZE;
        int word = bit / Long.SIZE;
        vector[word] = (vector[word] & ~(mask << shift)) | (value & mask) << shift;
    }

    /** Each lane of two vectors together, sign-extended. */
    static long[] map(int width, int bytes, long[] a, long[] b, LongBinaryOperator operation) {
        long[] result = new long[4];
        for (int i = 0; i < bytes * Byte.SIZE / width; i++) {
            set(result, width, i, operation.applyAsLong(signed(a, width, i), signed(b, width, i)));
        }
        return result;
    }

    /** Each lane of two vectors together, zero-extended. */
    static long[] mapUnsigned(
            int width, int bytes, long[] a, long[] b, LongBinaryOperator operation) {
        long[] result = new long[4];
        for (int i = 0; i < bytes * Byte.SIZE / width; i++) {
            set(result, width, i, operation.applyAsLong(get(a, width, i), get(b, width, i)));
        }
        return result;
    }

    /** The nearest value that a signed lane can hold. */
    static long saturate(long value, int width) {
        long most = (1L << (width - 1)) - 1;
        return Math.clamp(value, -most - 1, most);
    }

    /** The nearest value that an unsigned lane can hold. */
    static long saturateUnsigned(long value, int width) {
        return Math.clamp(value, 0, (1L << width) - 1);
    }
}
