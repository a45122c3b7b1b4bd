// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/** Timers by their time: a binary heap in which each timer knows its place. Not thread-safe. */
final class TimerHeap {

    private @Nullable LoopTimer[] heap = new LoopTimer[8];
    private int size;

    /** The timer that is due first. */
    @Nullable LoopTimer first() {
        return heap[0];
    }

    void add(LoopTimer timer) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size);
        }
        put(timer, size);
        size++;
        up(timer);
    }

    /** Removes a timer; does nothing if it is not here. */
    void remove(LoopTimer timer) {
        int place = timer.place;
        if (place < 0) {
            return;
        }
        timer.place = -1;
        size--;
        LoopTimer last = at(size);
        heap[size] = null;
        if (last != timer) {
            put(last, place);
            up(last);
            down(last);
        }
    }

    private LoopTimer at(int place) {
        LoopTimer timer = heap[place];
        if (timer == null) {
            throw new AssertionError("no timer at " + place + " of " + size);
        }
        return timer;
    }

    private void put(LoopTimer timer, int place) {
        heap[place] = timer;
        timer.place = place;
    }

    /** Differences, since {@link System#nanoTime} may wrap. */
    private static boolean before(LoopTimer one, LoopTimer other) {
        return one.due - other.due < 0;
    }

    private void up(LoopTimer timer) {
        while (timer.place > 0) {
            LoopTimer parent = at((timer.place - 1) / 2);
            if (!before(timer, parent)) {
                return;
            }
            swap(timer, parent);
        }
    }

    private void down(LoopTimer timer) {
        while (2 * timer.place + 1 < size) {
            LoopTimer child = at(2 * timer.place + 1);
            if (child.place + 1 < size && before(at(child.place + 1), child)) {
                child = at(child.place + 1);
            }
            if (!before(child, timer)) {
                return;
            }
            swap(timer, child);
        }
    }

    private void swap(LoopTimer one, LoopTimer other) {
        int place = one.place;
        put(one, other.place);
        put(other, place);
    }
}
