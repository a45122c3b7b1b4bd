// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

/**
 * Request numbers of {@code ioctl(2)}: direction, argument size, type and number packed into 32
 * bits ({@code asm-generic/ioctl.h}). Directions are seen from the program: "read" means that the
 * kernel writes the argument.
 */
public final class Ioctl {

    private static final int TYPE_SHIFT = 8;
    private static final int SIZE_SHIFT = 16;
    private static final int DIRECTION_SHIFT = 30;
    private static final long WRITE = 1;
    private static final long READ = 2;
    private static final long MAX_SIZE = (1L << 14) - 1;

    private Ioctl() {}

    /** {@code _IO}: no argument, or a plain number. */
    public static long io(int type, int number) {
        return request(0, type, number, 0);
    }

    /** {@code _IOR}: the kernel fills an argument of that many bytes. */
    public static long ior(int type, int number, long sizeBytes) {
        return request(READ, type, number, sizeBytes);
    }

    /** {@code _IOW}: the kernel reads an argument of that many bytes. */
    public static long iow(int type, int number, long sizeBytes) {
        return request(WRITE, type, number, sizeBytes);
    }

    /** {@code _IOWR}: the kernel reads an argument of that many bytes and writes it back. */
    public static long iowr(int type, int number, long sizeBytes) {
        return request(READ | WRITE, type, number, sizeBytes);
    }

    private static long request(long direction, int type, int number, long sizeBytes) {
        if ((type | number) >>> Byte.SIZE != 0 || sizeBytes < 0 || sizeBytes > MAX_SIZE) {
            throw new IllegalArgumentException(
                    "no ioctl request has type "
                            + type
                            + ", number "
                            + number
                            + " and an argument of "
                            + sizeBytes
                            + " bytes");
        }
        return direction << DIRECTION_SHIFT
                | sizeBytes << SIZE_SHIFT
                | (long) type << TYPE_SHIFT
                | number;
    }
}
