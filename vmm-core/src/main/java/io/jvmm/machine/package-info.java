// SPDX-License-Identifier: Apache-2.0
/**
 * The library's front: a {@link io.jvmm.machine.Machine} is made from a {@link
 * io.jvmm.machine.MachineConfig}, runs, and ends with a {@link io.jvmm.machine.MachineExit}.
 *
 * <p>This room puts all others together; no other room knows it. Everything that the command does
 * goes through it.
 */
package io.jvmm.machine;
