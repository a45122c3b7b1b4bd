// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.FaultMode;

import java.util.EnumSet;
import java.util.Set;

/**
 * How guest memory is registered with userfaultfd.
 *
 * @param features for the descriptor; of those that are a convenience, the ones that the kernel has
 * @param tracking what makes messages
 */
record Registration(Set<Feature> features, Set<Tracking> tracking) {

    /**
     * @param aliased whether pages are written to a second mapping of the memory
     */
    static Registration of(FaultMode mode, boolean aliased) {
        Set<Feature> features = EnumSet.of(Feature.THREAD_ID);
        if (!aliased) {
            features.add(Feature.MOVE);
        }
        features.addAll(Set.of(Feature.EVENT_REMOVE, Feature.EVENT_UNMAP, Feature.EVENT_REMAP));
        features.retainAll(Userfaultfd.supportedFeatures());
        if (aliased) {
            // Without these there is no other way; opening says what is missing.
            features.addAll(Set.of(Feature.MISSING_SHMEM, Feature.MINOR_SHMEM));
        }
        switch (mode) {
            case BLOCKING -> {}
            case ANNOTATED -> features.add(Feature.SIGBUS);
            case POISON -> features.add(Feature.POISON);
        }
        return new Registration(
                features,
                aliased
                        ? EnumSet.of(Tracking.MISSING, Tracking.MINOR)
                        : EnumSet.of(Tracking.MISSING));
    }
}
