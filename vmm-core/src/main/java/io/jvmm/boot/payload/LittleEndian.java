// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Little-endian numbers in byte arrays; an index out of bounds throws, as with plain arrays. */
final class LittleEndian {

    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private LittleEndian() {}

    static int u16(byte[] bytes, int index) {
        return Short.toUnsignedInt((short) SHORT.get(bytes, index));
    }

    static int i32(byte[] bytes, int index) {
        return (int) INT.get(bytes, index);
    }

    static long i64(byte[] bytes, int index) {
        return (long) LONG.get(bytes, index);
    }

    /** Whether {@code bytes} begin with this 32-bit number. */
    static boolean startsWith(byte[] bytes, int number) {
        return bytes.length >= Integer.BYTES && i32(bytes, 0) == number;
    }

    static void putI64(byte[] bytes, int index, long value) {
        LONG.set(bytes, index, value);
    }
}
