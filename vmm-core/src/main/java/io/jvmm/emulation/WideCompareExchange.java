// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.memory.GuestMemory;

/**
 * How 16 bytes of guest memory are compared and exchanged as one. Java has no such operation, and
 * two of 8 bytes are not one: another vCPU could see or change the bytes in between.
 */
public interface WideCompareExchange {

    /**
     * For a machine of one vCPU: nobody else runs guest code, and no device of the monitor changes
     * what a guest compares and exchanges, so two accesses are as good as one. Wrong for more:
     * these need a {@link NativeCompareExchange} each.
     */
    WideCompareExchange SINGLE_VCPU = WideCompareExchange::alone;

    /**
     * Compares and exchanges.
     *
     * @param gpa a multiple of 16, within memory
     * @param expected low and high half; takes what was there
     * @param replacement low and high half
     * @return whether the replacement is there now
     */
    boolean compareExchange(GuestMemory memory, long gpa, long[] expected, long[] replacement);

    private static boolean alone(
            GuestMemory memory, long gpa, long[] expected, long[] replacement) {
        long low = memory.readU64(gpa);
        long high = memory.readU64(gpa + Long.BYTES);
        boolean equal = low == expected[0] && high == expected[1];
        if (equal) {
            memory.writeU64(gpa, replacement[0]);
            memory.writeU64(gpa + Long.BYTES, replacement[1]);
        }
        expected[0] = low;
        expected[1] = high;
        return equal;
    }
}
