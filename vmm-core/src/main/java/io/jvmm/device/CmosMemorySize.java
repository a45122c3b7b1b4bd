// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

/** Where firmware leaves the size of memory in the CMOS, low byte first, each value saturated. */
final class CmosMemorySize {

    private static final int BASE_KIB = 0x15; // below 1 MiB
    private static final int EXTENDED_KIB = 0x17; // above 1 MiB
    private static final int EXTENDED_KIB_COPY = 0x30;
    private static final int ABOVE_16_MIB = 0x34; // in units of 64 KiB, up to 4 GiB
    private static final int ABOVE_4_GIB = 0x5B; // in units of 64 KiB, three bytes

    private static final long KIB = 1L << 10;
    private static final long MIB = 1L << 20;
    private static final long UNIT = 64 * KIB;
    private static final long CONVENTIONAL = 640 * KIB;

    private CmosMemorySize() {}

    static void store(int[] memory, long belowFourGib, long aboveFourGib) {
        long extended = (belowFourGib - MIB) / KIB;
        put(memory, BASE_KIB, 2, Math.min(belowFourGib, CONVENTIONAL) / KIB);
        put(memory, EXTENDED_KIB, 2, extended);
        put(memory, EXTENDED_KIB_COPY, 2, extended);
        put(memory, ABOVE_16_MIB, 2, (belowFourGib - 16 * MIB) / UNIT);
        put(memory, ABOVE_4_GIB, 3, aboveFourGib / UNIT);
    }

    private static void put(int[] memory, int register, int size, long value) {
        long saturated = Math.clamp(value, 0, (1L << (Byte.SIZE * size)) - 1);
        for (int i = 0; i < size; i++) {
            memory[register + i] = (int) (saturated >>> (Byte.SIZE * i)) & 0xFF;
        }
    }
}
