// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/** The two address spaces of a guest, each with a {@link Bus} of its own. */
public enum AddressSpace {
    /** I/O ports, 0 to 65535. */
    PORT,
    /** Guest-physical memory. */
    MMIO
}
