// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

import io.jvmm.state.ComponentState;

import java.util.List;

/**
 * A device of a machine: what the machine has to know of it in order to build it in.
 *
 * <p>A device is constructed with what it needs, such as an {@link IrqLine}, a {@link MsiSink} or
 * guest memory; it sees neither KVM nor a thread. Its {@linkplain #ranges ranges} are accessed by
 * vCPU threads, several at once, so it guards its own state. All other methods are called by one
 * thread at a time.
 *
 * <p>What is described here, {@link #ranges}, {@link #doorbells} and {@link #acpi}, is asked for
 * once, when the device is built in, and stays the same from then on. Devices outlive the virtual
 * machine in the kernel, which a reset replaces.
 */
public interface Device {

    /** {@return the name for messages; no other device of the machine has it} */
    String name();

    /** {@return the addresses that the device answers} */
    List<IoRange> ranges();

    /** {@return the writes that are to reach the device without an exit; none by default} */
    default List<Doorbell> doorbells() {
        return List.of();
    }

    /**
     * {@return how firmware describes the device to a kernel; by default not at all, for devices
     * that kernels find otherwise}
     */
    default List<AcpiDevice> acpi() {
        return List.of();
    }

    /**
     * Keeps still: when this returns, nothing of the device changes by itself, and nothing of it
     * touches guest memory or raises an interrupt, until {@link #resume}. vCPUs on their way out of
     * the guest may still access its ranges. Does nothing by default, for devices that act only
     * upon accesses.
     */
    default void pause() {}

    /** Goes on after {@link #pause}. */
    default void resume() {}

    /** Returns to the state after power-on, for a reset of the machine; no vCPU runs. */
    void reset();

    /** {@return what is saved of the device, or why nothing can be} */
    ComponentState savedState();

    /** Gives back what the device holds; the machine is gone. Does nothing by default. */
    default void close() {}
}
