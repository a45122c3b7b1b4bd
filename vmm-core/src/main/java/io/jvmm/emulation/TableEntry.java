// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/**
 * An instruction that can be completed.
 *
 * @param name its mnemonic, without the {@code v} of VEX
 * @param encoding what its bytes look like
 * @param needs what has to be turned on for it
 * @param alignment how its memory operand must be aligned
 * @param action what it does
 */
record TableEntry(String name, Encoding encoding, Needs needs, Alignment alignment, Action action) {

    /** What has to be turned on, and what the instruction raises if it is not. */
    enum Needs {
        /** Nothing. */
        NOTHING,
        /** SSE registers or MXCSR, without VEX. */
        SSE,
        /** Vector registers, with VEX. */
        AVX,
        /** General registers, with VEX: protected mode, which every caller is in. */
        VEX_GENERAL
    }

    /** How a memory operand must be aligned. */
    enum Alignment {
        /** As it likes. */
        NONE,
        /** Vectors to 16 bytes, unless the instruction has a VEX prefix. */
        LEGACY_VECTOR,
        /** Vectors to their size. */
        VECTOR
    }

    /** What an instruction does. */
    @FunctionalInterface
    interface Action {
        /**
         * Does it.
         *
         * @throws GuestFault the instruction raises an exception, and has changed nothing
         * @throws Refusal the instruction cannot be completed, and has changed nothing
         */
        void perform(Execution x);
    }
}
