// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_MEMORY_FAULT;

/**
 * How often a vCPU left the guest, by reason. Written by the vCPU's thread alone, without locks;
 * another thread may read and sees a recent value.
 */
public final class ExitCounters {

    private static final int OTHER = KVM_EXIT_MEMORY_FAULT + 1;
    private static final int KICKED = OTHER + 1;

    private final long[] counts = new long[KICKED + 1];

    void count(int exitReason) {
        counts[exitReason >= 0 && exitReason < OTHER ? exitReason : OTHER]++;
    }

    void countKick() {
        counts[KICKED]++;
    }

    /** Exits for one of {@code KVM_EXIT_*}. */
    public long of(int exitReason) {
        return counts[exitReason >= 0 && exitReason < OTHER ? exitReason : OTHER];
    }

    /** Returns from the guest because of a kick or another signal. */
    public long kicks() {
        return counts[KICKED];
    }

    /** All exits that are no kicks. */
    public long total() {
        long total = 0;
        for (int i = 0; i <= OTHER; i++) {
            total += counts[i];
        }
        return total;
    }
}
