// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * The watches of a thread of the loop, by the number that epoll gives back with an event: a slot,
 * and how often it was given away before, so that an event of a watch that is gone finds nothing.
 * Not thread-safe.
 */
final class WatchTable {

    private @Nullable DescriptorWatch[] slots = new DescriptorWatch[8];
    private int[] uses = new int[8];

    /** {@return the number of the watch from now on, never negative} */
    long add(DescriptorWatch watch) {
        int slot = 0;
        while (slot < slots.length && slots[slot] != null) {
            slot++;
        }
        if (slot == slots.length) {
            slots = Arrays.copyOf(slots, 2 * slot);
            uses = Arrays.copyOf(uses, 2 * slot);
        }
        slots[slot] = watch;
        uses[slot] = (uses[slot] + 1) & Integer.MAX_VALUE;
        watch.slot = slot;
        return dataOf(watch);
    }

    long dataOf(DescriptorWatch watch) {
        return (long) uses[watch.slot] << 32 | watch.slot;
    }

    @Nullable DescriptorWatch find(long data) {
        int slot = (int) data;
        return uses[slot] == (int) (data >>> 32) ? slots[slot] : null;
    }

    /** {@return whether it was here} */
    boolean remove(DescriptorWatch watch) {
        int slot = watch.slot;
        if (slot < 0) {
            return false;
        }
        slots[slot] = null;
        watch.slot = -1;
        return true;
    }
}
