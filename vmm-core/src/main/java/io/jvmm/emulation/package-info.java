// SPDX-License-Identifier: Apache-2.0
/**
 * Completes instructions of the guest that KVM's own interpreter lacks, on hosts where kernel code
 * is interpreted: decoder, page walker, operands, and the instructions themselves.
 *
 * <p>{@link io.jvmm.emulation.Completion} is the door; {@link io.jvmm.emulation.Emulator} is what
 * is behind it, and knows nothing of KVM. Everything here reads what a guest has prepared: a bad
 * instruction becomes an exception of the guest's, one that is not in the table a refusal, and
 * neither takes more than a bounded number of steps.
 *
 * <p>Source: Intel Software Developer's Manual (SDM), volumes 1 to 3; AMD Programmer's Manual where
 * the two differ.
 */
package io.jvmm.emulation;
