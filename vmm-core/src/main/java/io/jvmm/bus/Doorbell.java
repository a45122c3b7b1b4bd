// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import java.util.Objects;
import java.util.OptionalLong;

/**
 * A write of the guest that only says "look": the machine takes it without leaving the guest for
 * it, and tells the device later, on a thread of its own.
 *
 * <p>Several writes before the device is told are one ring. A doorbell also rings without a write:
 * once when a restored machine goes on, since a ring that was on its way is not saved. It does not
 * ring while the machine is paused.
 *
 * @param space of the address
 * @param address of the write's first byte, within a range of the device, which answers reads and
 *     writes of another width or value
 * @param width of the write in bytes: 1, 2, 4 or 8; 0 for any
 * @param value that has to be written, zero-extended; empty for any, as with width 0
 * @param ring tells the device. It is called by one thread at a time, never by a vCPU's; it returns
 *     without waiting for the guest and calls nothing of the machine. What it throws ends the
 *     machine
 */
public record Doorbell(
        AddressSpace space, long address, int width, OptionalLong value, Runnable ring) {

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if the width is none, or a value is wanted of any width
     */
    public Doorbell {
        Objects.requireNonNull(space, "space");
        Objects.requireNonNull(ring, "ring");
        boolean possible =
                width == 0
                        ? value.isEmpty()
                        : width > 0 && width <= 8 && Integer.bitCount(width) == 1;
        if (!possible) {
            throw new IllegalArgumentException(
                    "a doorbell of %d bytes with value %s".formatted(width, value));
        }
    }
}
