// SPDX-License-Identifier: Apache-2.0
/**
 * What a device is, how an access of the guest finds it, and how it asks for an interrupt.
 *
 * <p>A machine has two {@link io.jvmm.bus.Bus buses} of the same class, one for I/O ports and one
 * for memory-mapped I/O. A {@link io.jvmm.bus.Device} says where on them it answers, and by which
 * {@link io.jvmm.bus.IoDevice}, which knows offsets only; it drives an {@link io.jvmm.bus.IrqLine}
 * or a {@link io.jvmm.bus.MsiSink} that it was given.
 */
package io.jvmm.bus;
