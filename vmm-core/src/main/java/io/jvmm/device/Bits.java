// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

/** Checks of register values in saved state. */
final class Bits {

    private Bits() {}

    /**
     * Refuses bits that a register has not.
     *
     * @throws IllegalArgumentException naming the register
     */
    static void require(String register, int value, int allowed) {
        if ((value & ~allowed) != 0) {
            throw new IllegalArgumentException(
                    "%s 0x%x has bits outside 0x%x".formatted(register, value, allowed));
        }
    }
}
