// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import org.jspecify.annotations.Nullable;

/** Slots in the order of their coming, linked through themselves. Not thread-safe. */
final class SlotQueue {

    private @Nullable Slot head;
    private @Nullable Slot tail;

    void add(Slot slot) {
        slot.link = null;
        if (tail == null) {
            head = slot;
        } else {
            tail.link = slot;
        }
        tail = slot;
    }

    @Nullable Slot poll() {
        Slot first = head;
        if (first != null) {
            head = first.link;
            if (head == null) {
                tail = null;
            }
            first.link = null;
        }
        return first;
    }

    /** Takes a slot out, if it is here. */
    void remove(Slot slot) {
        Slot before = null;
        for (Slot at = head; at != null; before = at, at = at.link) {
            if (at == slot) {
                if (before == null) {
                    head = at.link;
                } else {
                    before.link = at.link;
                }
                if (tail == at) {
                    tail = before;
                }
                at.link = null;
                return;
            }
        }
    }
}
