// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.vcpu.ExitCounters;

/**
 * How often a vCPU left the guest, at a moment of its life.
 *
 * @param port exits for port accesses
 * @param mmio exits for accesses to memory-mapped devices
 * @param other exits for any other reason
 * @param kicks times that the monitor called the vCPU out of the guest
 */
public record ExitStatistics(long port, long mmio, long other, long kicks) {

    static ExitStatistics of(ExitCounters counters) {
        long port = counters.of(KvmConstants.KVM_EXIT_IO);
        long mmio = counters.of(KvmConstants.KVM_EXIT_MMIO);
        return new ExitStatistics(port, mmio, counters.total() - port - mmio, counters.kicks());
    }
}
