// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import java.util.Objects;

/**
 * A range of addresses that a device answers.
 *
 * @param space of the addresses
 * @param base first address
 * @param length in bytes
 * @param answers accesses to the range, with offsets from {@code base}
 */
public record IoRange(AddressSpace space, long base, long length, IoDevice answers) {

    /** Checks the parts; the {@link Bus} checks the range. */
    public IoRange {
        Objects.requireNonNull(space, "space");
        Objects.requireNonNull(answers, "answers");
    }

    /** {@return a range of I/O ports} */
    public static IoRange ports(int base, int length, IoDevice answers) {
        return new IoRange(AddressSpace.PORT, base, length, answers);
    }

    /** {@return a range of guest-physical memory} */
    public static IoRange mmio(long base, long length, IoDevice answers) {
        return new IoRange(AddressSpace.MMIO, base, length, answers);
    }
}
