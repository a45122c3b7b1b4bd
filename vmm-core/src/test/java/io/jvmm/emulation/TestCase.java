// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

/** Where in a page of 4 KiB a case has its input, its instruction, its operands and its results. */
final class TestCase {

    static final int SIZE = 0x1000;

    /** 16 general registers. */
    static final int GENERAL = 0;

    static final int FLAGS = 0x80;
    static final int CODE = 0x100;
    static final int RESULT = 0x140;
    static final int RESULT_FLAGS = 0x1C0;

    /** XSAVE areas of x87, SSE and AVX. */
    static final int EXTENDED = 0x200;

    static final int EXTENDED_SIZE = 0x340;
    static final int RESULT_EXTENDED = 0x580;

    /** Memory operands. */
    static final int DATA = 0x900;

    static final int DATA_SIZE = 0x700;

    private TestCase() {}
}
