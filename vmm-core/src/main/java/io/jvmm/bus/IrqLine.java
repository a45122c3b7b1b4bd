// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/**
 * The wire from a device to an input of the interrupt controller. It has a level, and setting it to
 * the level that it has already is allowed and changes nothing.
 *
 * <p>Implementations may be called from any thread. They may make a system call, so a device never
 * calls them under the lock that guards its registers.
 */
public interface IrqLine {

    /** Sets the level to high: the device wants service. */
    void raise();

    /** Sets the level to low: the device is content. */
    void lower();

    /** Gives one edge, for sources that have no level of their own. */
    default void pulse() {
        raise();
        lower();
    }

    /** {@return a wire that ends nowhere, for a device that is polled} */
    static IrqLine unconnected() {
        return Unconnected.LINE;
    }
}
