// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** Bits of RFLAGS (SDM volume 1, 3.4.3). */
final class Flags {

    static final long CF = 1;
    static final long PF = 1 << 2;
    static final long AF = 1 << 4;
    static final long ZF = 1 << 6;
    static final long SF = 1 << 7;

    /** Trap: a debug exception after each instruction. */
    static final long TF = 1 << 8;

    static final long OF = 1 << 11;

    /** Resume: the next instruction raises no instruction breakpoint; it clears the flag. */
    static final long RF = 1 << 16;

    /** Alignment check; for supervisor code, permission to touch user pages (SMAP). */
    static final long AC = 1 << 18;

    /** The flags that arithmetic sets. */
    static final long ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    private Flags() {}
}
