// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/**
 * A device of byte-wide registers, as most of the old PC has them.
 *
 * <p>A wider access becomes one byte access after the other, at rising offsets, as the ISA bus does
 * it for an eight-bit card. Guests rely on that: {@code out 0x70, ax} selects a CMOS register and
 * writes it with one instruction.
 */
public interface ByteIoDevice extends IoDevice {

    /**
     * Reads one register.
     *
     * @param offset from the start of the device
     * @return the value, of which the low eight bits count
     */
    int readByte(long offset);

    /**
     * Writes one register.
     *
     * @param offset from the start of the device
     * @param value 0 to 255
     */
    void writeByte(long offset, int value);

    @Override
    default long read(long offset, int size) {
        long value = 0;
        for (int i = 0; i < size; i++) {
            value |= (readByte(offset + i) & 0xFFL) << (Byte.SIZE * i);
        }
        return value;
    }

    @Override
    default void write(long offset, int size, long value) {
        for (int i = 0; i < size; i++) {
            writeByte(offset + i, (int) (value >>> (Byte.SIZE * i)) & 0xFF);
        }
    }
}
