// SPDX-License-Identifier: Apache-2.0
/**
 * Devices of the old PC that a machine has.
 *
 * <p>Each is pure Java and knows nothing of KVM, native memory or threads of its own: it is given
 * an {@link io.jvmm.bus.IrqLine}, a {@link io.jvmm.device.ByteSink}, a clock or a callback, and
 * answers accesses as an {@link io.jvmm.bus.IoDevice}. A device with much to it is two classes: a
 * register machine without a lock, and a shell around it.
 *
 * <p>Rules for all of them: nothing is called (line, sink, callback) under the lock that guards the
 * registers; a guest's access never throws; whatever a guest can fill is bounded; state is a record
 * apart from the live object.
 */
package io.jvmm.device;
