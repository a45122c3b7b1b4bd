// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * All slots: those in use, by their numbers on the wire, and those that are free. Not thread-safe.
 */
final class SlotTable {

    /** How many there are. */
    static final int SLOTS = 1024;

    private static final int SLOT_BITS = 10;

    private final Slot[] slots = new Slot[SLOTS];
    private final List<Slot> all;
    private final SlotQueue free = new SlotQueue();
    private long lastId;

    SlotTable() {
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot(i);
            free.add(slots[i]);
        }
        all = Collections.unmodifiableList(Arrays.asList(slots));
    }

    List<Slot> all() {
        return all;
    }

    /** A slot to be used; null if none is free. */
    @Nullable Slot take() {
        return free.poll();
    }

    void release(Slot slot) {
        slot.clear();
        free.add(slot);
    }

    /** A connection carries the slot, by a number that was never used before. */
    void send(Slot slot, Lane lane) {
        slot.id = ++lastId << SLOT_BITS | slot.index;
        slot.lane = lane;
    }

    /**
     * The slot that a connection carries by a number.
     *
     * @throws WireException {@code UNREQUESTED} if it carries none
     */
    Slot find(Lane lane, long id) {
        Slot slot = slots[(int) id & SLOTS - 1];
        if (slot.lane != lane || slot.id != id) {
            throw new WireException(Refusal.UNREQUESTED, "nothing was asked for by number " + id);
        }
        return slot;
    }

    /** What is in use, for tests and messages. */
    List<String> inUse() {
        List<String> used = new ArrayList<>();
        for (Slot slot : slots) {
            if (slot.lane != null || slot.request != null) {
                used.add("%d: %d pages at 0x%x".formatted(slot.id, slot.pages(), slot.gpa));
            }
        }
        return used;
    }
}
