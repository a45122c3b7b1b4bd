// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.LEGACY_VECTOR;

/** {@code PCLMULQDQ}: products of polynomials over two elements, which checksums are made of. */
final class CarrylessMultiply {

    private CarrylessMultiply() {}

    static void addTo(InstructionTable table) {
        table.vector("66 0F 3A 44 /r ib", "pclmulqdq", LEGACY_VECTOR, CarrylessMultiply::multiply);
        table.vector(
                "VEX.NDS.66.0F3A 44 /r ib",
                "pclmulqdq",
                LEGACY_VECTOR,
                CarrylessMultiply::multiply);
    }

    private static void multiply(Execution x) {
        int selector = x.instruction().immediate();
        long[] a = x.first();
        long[] b = x.rm();
        long[] result = new long[4];
        for (int half = 0; half < x.vectorBytes() / Long.BYTES; half += 2) {
            long first = a[half + (selector & 1)];
            long second = b[half + (selector >> 4 & 1)];
            for (int bit = 0; bit < Long.SIZE; bit++) {
                if ((second >>> bit & 1) != 0) {
                    result[half] ^= first << bit;
                    result[half + 1] ^= bit == 0 ? 0 : first >>> (Long.SIZE - bit);
                }
            }
        }
        x.reg(result);
    }
}
