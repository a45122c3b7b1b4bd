// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.Arrays;

/**
 * The first 512 bytes of an area of {@code FXSAVE} or {@code XSAVE}, and their two differences from
 * what KVM gives: how the x87 pointers are written, and how many vectors there are (SDM volume 1,
 * 10.5.1).
 */
final class LegacyRegion {

    private static final int INSTRUCTION_POINTER = 8;
    private static final int DATA_POINTER = 16;
    private static final int POINTERS_END = 24;
    private static final int X87_REGISTERS = 32;
    private static final int VECTOR_BYTES = 16;

    private final ExtendedRegisters extended;

    /** Whether pointers are 64 bits, not a selector and 32. */
    private final boolean wide;

    private final int vectors;

    private LegacyRegion(ExtendedRegisters extended, boolean wide, int vectors) {
        this.extended = extended;
        this.wide = wide;
        this.vectors = vectors;
    }

    static LegacyRegion of(Execution x) {
        boolean longMode = x.cpu().longMode();
        return new LegacyRegion(
                x.extended(), x.instruction().operandSize() == Long.BYTES, longMode ? 16 : 8);
    }

    /** Where the vectors end that this mode has. */
    int vectorsEnd() {
        return ExtendedRegisters.XMM + vectors * VECTOR_BYTES;
    }

    /** The region as the instruction writes it. */
    byte[] saved() {
        byte[] area = Arrays.copyOf(extended.image(), XsaveLayout.LEGACY_SIZE);
        LittleEndian.putInt(area, ExtendedRegisters.MXCSR_MASK, extended.mxcsrMask());
        if (!wide) {
            // Processors that deprecate the selectors, which all with XSAVES do, store zero.
            LittleEndian.putInt(area, INSTRUCTION_POINTER + Integer.BYTES, 0);
            LittleEndian.putInt(area, DATA_POINTER + Integer.BYTES, 0);
        }
        return area;
    }

    void restoreX87(byte[] area) {
        byte[] image = extended.image();
        System.arraycopy(area, 0, image, 0, POINTERS_END);
        System.arraycopy(
                area, X87_REGISTERS, image, X87_REGISTERS, ExtendedRegisters.XMM - X87_REGISTERS);
        if (!wide) {
            LittleEndian.putInt(image, INSTRUCTION_POINTER + Integer.BYTES, 0);
            LittleEndian.putInt(image, DATA_POINTER + Integer.BYTES, 0);
        }
        extended.changed(1 << XsaveLayout.X87);
    }

    void restoreVectors(byte[] area) {
        System.arraycopy(
                area,
                ExtendedRegisters.XMM,
                extended.image(),
                ExtendedRegisters.XMM,
                vectors * VECTOR_BYTES);
        extended.changed(1 << XsaveLayout.SSE);
    }
}
