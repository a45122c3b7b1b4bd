// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/** XXH64 with seed 0: the checksum of Zstandard frames. For one thread. */
final class XxHash64 {

    private static final long PRIME_1 = 0x9E3779B185EBCA87L;
    private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
    private static final long PRIME_3 = 0x165667B19E3779F9L;
    private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;
    private static final long PRIME_5 = 0x27D4EB2F165667C5L;

    /** The sum of the first two, modulo 2^64. */
    private static final long PRIMES_1_AND_2 = 0x60EA27EEADC0B5D6L;

    private static final int STRIPE = 32;

    private final byte[] stripe = new byte[STRIPE];
    private int held;
    private long total;
    private long a = PRIMES_1_AND_2;
    private long b = PRIME_2;
    private long c;
    private long d = -PRIME_1;

    static long hash(byte[] bytes, int offset, int length) {
        XxHash64 hash = new XxHash64();
        hash.update(bytes, offset, length);
        return hash.value();
    }

    /** Goes on with {@code bytes[offset, offset+length)}. */
    void update(byte[] bytes, int offset, int length) {
        total += length;
        int index = offset;
        int end = offset + length;
        if (held > 0) {
            int taken = Math.min(STRIPE - held, length);
            System.arraycopy(bytes, index, stripe, held, taken);
            held += taken;
            index += taken;
            if (held < STRIPE) {
                return;
            }
            stripes(stripe, 0, STRIPE);
        }
        index = stripes(bytes, index, end);
        held = end - index;
        System.arraycopy(bytes, index, stripe, 0, held);
    }

    private int stripes(byte[] bytes, int from, int end) {
        int index = from;
        long a0 = a;
        long b0 = b;
        long c0 = c;
        long d0 = d;
        for (; index <= end - STRIPE; index += STRIPE) {
            a0 = round(a0, LittleEndian.i64(bytes, index));
            b0 = round(b0, LittleEndian.i64(bytes, index + 8));
            c0 = round(c0, LittleEndian.i64(bytes, index + 16));
            d0 = round(d0, LittleEndian.i64(bytes, index + 24));
        }
        a = a0;
        b = b0;
        c = c0;
        d = d0;
        return index;
    }

    /** The checksum of all that was given. */
    long value() {
        long hash = PRIME_5;
        if (total >= STRIPE) {
            hash =
                    Long.rotateLeft(a, 1)
                            + Long.rotateLeft(b, 7)
                            + Long.rotateLeft(c, 12)
                            + Long.rotateLeft(d, 18);
            hash = merge(hash, a);
            hash = merge(hash, b);
            hash = merge(hash, c);
            hash = merge(hash, d);
        }
        hash += total;
        int index = 0;
        for (; index <= held - 8; index += 8) {
            hash ^= round(0, LittleEndian.i64(stripe, index));
            hash = Long.rotateLeft(hash, 27) * PRIME_1 + PRIME_4;
        }
        if (index <= held - 4) {
            hash ^= Integer.toUnsignedLong(LittleEndian.i32(stripe, index)) * PRIME_1;
            hash = Long.rotateLeft(hash, 23) * PRIME_2 + PRIME_3;
            index += 4;
        }
        for (; index < held; index++) {
            hash ^= Byte.toUnsignedLong(stripe[index]) * PRIME_5;
            hash = Long.rotateLeft(hash, 11) * PRIME_1;
        }
        hash ^= hash >>> 33;
        hash *= PRIME_2;
        hash ^= hash >>> 29;
        hash *= PRIME_3;
        return hash ^ (hash >>> 32);
    }

    private static long round(long accumulator, long lane) {
        return Long.rotateLeft(accumulator + lane * PRIME_2, 31) * PRIME_1;
    }

    private static long merge(long hash, long accumulator) {
        return (hash ^ round(0, accumulator)) * PRIME_1 + PRIME_4;
    }
}
