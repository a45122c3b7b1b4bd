// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/**
 * A device that answers accesses to a range of an address space. It knows offsets, never where it
 * was plugged in.
 *
 * <p>Both methods are called by vCPU threads, several at once, so a device guards its own state. An
 * access is the guest's wish and never an exception: what a device does not understand reads as
 * {@link #allOnes all ones} and is ignored when written.
 *
 * <p>Nothing is promised about alignment. What the {@link Bus} does promise: the access lies wholly
 * within the range that the device was attached for, and its size is 1, 2, 4 or 8 bytes.
 */
public interface IoDevice {

    /**
     * Reads a value.
     *
     * @param offset of the first byte, from the start of the device
     * @param size in bytes: 1, 2, 4 or 8
     * @return the value, little-endian; the bus cuts it to {@code size} bytes
     */
    long read(long offset, int size);

    /**
     * Writes a value.
     *
     * @param offset of the first byte, from the start of the device
     * @param size in bytes: 1, 2, 4 or 8
     * @param value zero-extended
     */
    void write(long offset, int size, long value);

    /**
     * What a read gives where nobody answers: the data lines of a PC are pulled up.
     *
     * @param size in bytes, 1 to 8
     * @return a value of {@code 8 * size} one bits
     */
    static long allOnes(int size) {
        return -1L >>> (Long.SIZE - Byte.SIZE * size);
    }
}
