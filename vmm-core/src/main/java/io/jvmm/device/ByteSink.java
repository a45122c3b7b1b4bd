// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

/**
 * The host side of a device's output: where the bytes go that a guest sends.
 *
 * <p>A device calls one sink from one thread at a time, in the guest's order, without holding the
 * lock of its registers. The caller is a vCPU thread in the middle of an access, so a sink never
 * waits: one whose reader is slow keeps the byte, and the vCPU waits after the access ({@link
 * io.jvmm.bus.Backpressure}). It reports trouble elsewhere and throws nothing.
 */
@FunctionalInterface
public interface ByteSink {

    /**
     * Takes one byte.
     *
     * @param b the byte
     */
    void write(byte b);

    /** Passes on what the sink may have collected. */
    default void flush() {}
}
