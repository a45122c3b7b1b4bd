// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** Bits of control registers and EFER (SDM volume 3, 2.5 and 2.2.1). */
final class ControlBits {

    static final long CR0_PE = 1;
    static final long CR0_MP = 1L << 1;
    static final long CR0_EM = 1L << 2;
    static final long CR0_TS = 1L << 3;
    static final long CR0_NE = 1L << 5;
    static final long CR0_WP = 1L << 16;
    static final long CR0_PG = 1L << 31;

    static final long CR4_PSE = 1L << 4;
    static final long CR4_PAE = 1L << 5;
    static final long CR4_OSFXSR = 1L << 9;
    static final long CR4_LA57 = 1L << 12;
    static final long CR4_OSXSAVE = 1L << 18;
    static final long CR4_SMEP = 1L << 20;
    static final long CR4_SMAP = 1L << 21;
    static final long CR4_PKE = 1L << 22;
    static final long CR4_CET = 1L << 23;
    static final long CR4_PKS = 1L << 24;

    static final long EFER_LMA = 1L << 10;
    static final long EFER_NXE = 1L << 11;

    private ControlBits() {}
}
