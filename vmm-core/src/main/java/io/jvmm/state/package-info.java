// SPDX-License-Identifier: Apache-2.0
/**
 * Saved state: data apart from the live objects.
 *
 * <p>A component describes its state as a record and says by a {@link io.jvmm.state.StateCodec} how
 * that travels. A {@link io.jvmm.state.Saved} is one such state in its travelling form, named by
 * kind and instance and marked with a version; a {@link io.jvmm.state.StateFile} is a list of them
 * with a checksum; {@link io.jvmm.state.SavedComponents} hands them out again and sees to it that
 * none is left over.
 *
 * <p>Everything read here is input: lengths are limited before anything is allocated, unknown
 * kinds, unknown versions, leftovers and corruption are refused with a {@link
 * io.jvmm.state.StateException}. A codec goes on reading the two versions before its own.
 */
package io.jvmm.state;
