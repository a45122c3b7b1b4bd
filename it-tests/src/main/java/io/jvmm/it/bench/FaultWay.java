// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.kvm.Kvm;

import java.io.IOException;
import java.util.Optional;

/** A way in which vCPUs come to missing pages. */
interface FaultWay {

    /** What it is called. */
    String label();

    /** Whether it is the product's, and not the reference that it is compared with. */
    default boolean isJava() {
        return true;
    }

    /** Why this host does not have it, as a sentence without a full stop; empty if it does. */
    Optional<String> refusal(Kvm kvm);

    /**
     * Has a new guest read once a memory of which not one page is there.
     *
     * @param ring in which the guest runs, 0 or 3
     * @return nanoseconds per page
     */
    double run(int ring, int vcpus) throws IOException, InterruptedException;
}
