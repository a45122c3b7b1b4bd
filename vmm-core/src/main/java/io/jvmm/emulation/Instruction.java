// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/**
 * A decoded instruction: its entry in the table and its operands (SDM volume 2, chapter 2).
 *
 * @param entry what it is
 * @param length bytes, prefixes included
 * @param vex whether it has a VEX prefix
 * @param wide256 whether the VEX prefix asks for 256 bits
 * @param operandSize bytes of a general operand: 2, 4 or 8
 * @param highBytes whether byte registers 4 to 7 are AH to BH: there is no REX prefix
 * @param lock whether it is atomic
 * @param repeat the last of the prefixes F2 and F3, or 0
 * @param reg the register of ModRM.reg, 0 to 15
 * @param vvvv the further register of VEX, 0 to 15
 * @param memory the memory operand of ModRM, or null if it is the register {@code rm}
 * @param rm the register of ModRM.rm, 0 to 15
 * @param immediate sign-extended; 0 if there is none
 */
record Instruction(
        TableEntry entry,
        int length,
        boolean vex,
        boolean wide256,
        int operandSize,
        boolean highBytes,
        boolean lock,
        int repeat,
        int reg,
        int vvvv,
        @org.jspecify.annotations.Nullable MemoryOperand memory,
        int rm,
        int immediate) {

    static final int ES = 0;
    static final int CS = 1;
    static final int SS = 2;
    static final int DS = 3;
    static final int FS = 4;
    static final int GS = 5;

    /** No register in this place of an address. */
    static final int NONE = -1;

    /** A memory operand's base: the address of the next instruction. */
    static final int NEXT = -2;

    /**
     * A memory operand: segment, and the parts of the offset.
     *
     * @param segment {@link #ES} to {@link #GS}
     * @param base a general register, {@link #NONE} or {@link #NEXT}
     * @param index a general register or {@link #NONE}
     * @param shift how far the index is shifted, 0 to 3
     * @param displacement sign-extended
     * @param wide whether the offset has 64 bits, not 32
     */
    record MemoryOperand(
            int segment, int base, int index, int shift, int displacement, boolean wide) {

        /** The offset in the segment. */
        long offset(Registers cpu, int length) {
            long offset = displacement;
            if (base == NEXT) {
                offset += cpu.rip() + length;
            } else if (base != NONE) {
                offset += cpu.general(base);
            }
            if (index != NONE) {
                offset += cpu.general(index) << shift;
            }
            return wide ? offset : offset & 0xFFFF_FFFFL;
        }
    }

    /** Bytes of a vector operand. */
    int vectorBytes() {
        return wide256 ? 32 : 16;
    }
}
