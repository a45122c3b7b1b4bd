package io.jvmm.emulation;

import io.jvmm.memory.GuestMemory;

/**
 * How 16 bytes of guest memory are compared and exchanged as one. Java has no such operation, and
 * two of 8 bytes are not one: another vCPU could see or change the bytes in between.
 */
public interface WideCompareExchange {

    /**
     * For a machine of one vCPU: nobody else runs guest code, and no device of the monitor changes
     * what a guest compares and exchanges, so two accesses are as good as one. Wrong for more.
     */
    WideCompareExchange SINGLE_VCPU = WideCompareExchange::alone;

    /**
     * What a machine of this many vCPUs needs. With more than one the exchange is refused, and the
     * machine ends with a report instead of a guest that loses an update; such a guest is told not
     * to use the instruction ({@code clearcpuid=cx16} on Linux' command line).
     */
    static WideCompareExchange forVcpus(int count) {
        return count == 1 ? SINGLE_VCPU : WideCompareExchange::refused;
    }

    private static boolean refused(
            GuestMemory memory, long gpa, long[] expected, long[] replacement) {
        throw new Refusal("an atomic access of 16 bytes while other vCPUs run");
    }

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
