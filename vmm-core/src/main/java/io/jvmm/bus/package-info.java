/**
 * How an access of the guest finds its device, and how a device asks for an interrupt.
 *
 * <p>A machine has two {@link io.jvmm.bus.Bus buses} of the same class, one for I/O ports and one
 * for memory-mapped I/O. A device is an {@link io.jvmm.bus.IoDevice}: it knows offsets, never where
 * it was plugged in, and it drives an {@link io.jvmm.bus.IrqLine} that it was given.
 */
package io.jvmm.bus;
