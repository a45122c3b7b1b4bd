// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

/** What waits to be asked for: a queue for each priority. Not thread-safe. */
final class WaitingSlots {

    private static final Priority[] PRIORITIES = Priority.values();

    private final SlotQueue urgent = new SlotQueue();
    private final SlotQueue prefetch = new SlotQueue();
    private final SlotQueue sweep = new SlotQueue();

    private SlotQueue queue(Priority priority) {
        return switch (priority) {
            case URGENT -> urgent;
            case PREFETCH -> prefetch;
            case SWEEP -> sweep;
        };
    }

    void add(Slot slot) {
        queue(slot.priority).add(slot);
    }

    void remove(Slot slot) {
        queue(slot.priority).remove(slot);
    }

    /** Moves a slot that waits to the most urgent ones. */
    void hasten(Slot slot) {
        remove(slot);
        slot.priority = Priority.URGENT;
        add(slot);
    }

    /** The most urgent slot that this connection carries; null if there is none. */
    @Nullable Slot poll(Lane lane) {
        for (Priority priority : PRIORITIES) {
            Slot slot = lane.carries(priority) ? queue(priority).poll() : null;
            if (slot != null) {
                return slot;
            }
        }
        return null;
    }

    /** The most urgent slot; null if there is none. */
    @Nullable Slot poll() {
        for (Priority priority : PRIORITIES) {
            Slot slot = queue(priority).poll();
            if (slot != null) {
                return slot;
            }
        }
        return null;
    }
}
