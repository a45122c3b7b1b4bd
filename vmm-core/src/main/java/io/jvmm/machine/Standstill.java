// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.util.List;

/**
 * In what way the vCPUs of a paused machine stand still.
 *
 * @param vcpus in the order of the vCPUs
 */
public record Standstill(List<Rest> vcpus) {

    /** In what way a vCPU executes nothing. */
    public enum Rest {
        /** It is out of the guest and its state can be saved. */
        OUT,
        /**
         * It waits for a page of guest memory where nothing gets it out: in the kernel's own access
         * to that memory. It leaves the guest when the page has come; its state cannot be saved
         * before.
         */
        IN_FAULT
    }

    /** Keeps a copy. */
    public Standstill {
        vcpus = List.copyOf(vcpus);
    }

    /** Whether every vCPU is out of the guest. */
    public boolean isComplete() {
        return !vcpus.contains(Rest.IN_FAULT);
    }
}
