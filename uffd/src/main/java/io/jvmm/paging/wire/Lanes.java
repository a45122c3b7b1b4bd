// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.Priority;

import java.util.List;

/** The connections of a session that carry memory, and which of them sends next. Thread-safe. */
final class Lanes {

    private volatile List<Lane> lanes = List.of();

    /** From here on these, and no others. */
    void set(List<Lane> connected) {
        lanes = List.copyOf(connected);
    }

    boolean contains(Lane lane) {
        return lanes.contains(lane);
    }

    boolean isEmpty() {
        return lanes.isEmpty();
    }

    /** Has the connection with the least to do send one more request, if it may. */
    void pump(Priority priority) {
        Lane least = null;
        List<Lane> all = lanes;
        for (int i = 0; i < all.size(); i++) {
            Lane lane = all.get(i);
            if (lane.carries(priority) && (least == null || lane.inFlight() < least.inFlight())) {
                least = lane;
            }
        }
        if (least != null) {
            least.pump(1);
        }
    }

    /** Has every connection send what it may, in turns. */
    void pumpAll() {
        List<Lane> all = lanes;
        boolean isSending = true;
        while (isSending) {
            isSending = false;
            for (Lane lane : all) {
                isSending |= lane.pump(1);
            }
        }
    }
}
