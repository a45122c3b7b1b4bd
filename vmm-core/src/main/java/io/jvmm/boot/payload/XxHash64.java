package io.jvmm.boot.payload;

/** XXH64 with seed 0 over an array: the checksum of Zstandard frames. */
final class XxHash64 {

    private static final long PRIME_1 = 0x9E3779B185EBCA87L;
    private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
    private static final long PRIME_3 = 0x165667B19E3779F9L;
    private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;
    private static final long PRIME_5 = 0x27D4EB2F165667C5L;

    /** The sum of the first two, modulo 2^64. */
    private static final long PRIMES_1_AND_2 = 0x60EA27EEADC0B5D6L;

    private XxHash64() {}

    static long hash(byte[] bytes, int offset, int length) {
        int index = offset;
        int end = offset + length;
        long hash;
        if (length >= 32) {
            long a = PRIMES_1_AND_2;
            long b = PRIME_2;
            long c = 0;
            long d = -PRIME_1;
            for (; index <= end - 32; index += 32) {
                a = round(a, LittleEndian.i64(bytes, index));
                b = round(b, LittleEndian.i64(bytes, index + 8));
                c = round(c, LittleEndian.i64(bytes, index + 16));
                d = round(d, LittleEndian.i64(bytes, index + 24));
            }
            hash =
                    Long.rotateLeft(a, 1)
                            + Long.rotateLeft(b, 7)
                            + Long.rotateLeft(c, 12)
                            + Long.rotateLeft(d, 18);
            hash = merge(hash, a);
            hash = merge(hash, b);
            hash = merge(hash, c);
            hash = merge(hash, d);
        } else {
            hash = PRIME_5;
        }
        hash += length;
        for (; index <= end - 8; index += 8) {
            hash ^= round(0, LittleEndian.i64(bytes, index));
            hash = Long.rotateLeft(hash, 27) * PRIME_1 + PRIME_4;
        }
        if (index <= end - 4) {
            hash ^= Integer.toUnsignedLong(LittleEndian.i32(bytes, index)) * PRIME_1;
            hash = Long.rotateLeft(hash, 23) * PRIME_2 + PRIME_3;
            index += 4;
        }
        for (; index < end; index++) {
            hash ^= Byte.toUnsignedLong(bytes[index]) * PRIME_5;
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
