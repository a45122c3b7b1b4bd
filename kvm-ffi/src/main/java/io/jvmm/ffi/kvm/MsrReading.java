// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import java.util.List;

/**
 * Model-specific registers that were asked for.
 *
 * @param entries those that KVM knows, in the order asked
 * @param unknown the others: the vCPU has no such register, or KVM keeps it to itself
 */
public record MsrReading(List<MsrEntry> entries, List<Integer> unknown) {

    public MsrReading {
        entries = List.copyOf(entries);
        unknown = List.copyOf(unknown);
    }
}
