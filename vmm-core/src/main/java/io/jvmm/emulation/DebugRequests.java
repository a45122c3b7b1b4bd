// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.GuestDebug;

/**
 * Where the emulation asks for exits with {@code KVM_EXIT_DEBUG}. It is not alone: a debugger may
 * want others of the same vCPU.
 */
@FunctionalInterface
public interface DebugRequests {

    /** From now on the vCPU is to leave the guest there, and for this asker's sake nowhere else. */
    void request(GuestDebug wanted);
}
