// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Java threads that wait for pages to come. Without locks: nobody who brings a page can be held up
 * by somebody who waits for one.
 */
final class GateWaiters {

    private static final int SLOTS = 64;
    // Who finds no slot, or must look again for another reason, wakes up by itself.
    private static final long LOOK_AGAIN_NANOS = 1_000_000;
    private static final long FALLBACK_NANOS = 100_000_000;

    private final AtomicReferenceArray<Thread> slots = new AtomicReferenceArray<>(SLOTS);
    private final AtomicInteger waiting = new AtomicInteger();

    /** Announces the calling thread; from here on no arrival is missed. */
    int enter() {
        waiting.incrementAndGet();
        Thread self = Thread.currentThread();
        for (int slot = 0; slot < SLOTS; slot++) {
            if (slots.compareAndSet(slot, null, self)) {
                return slot;
            }
        }
        return SLOTS;
    }

    /** Waits for a moment, an arrival at the longest. */
    void await(int slot, long nanos) {
        long limit = slot == SLOTS ? LOOK_AGAIN_NANOS : FALLBACK_NANOS;
        LockSupport.parkNanos(this, Math.min(nanos, limit));
    }

    /** The end of what {@link #enter} began. */
    void leave(int slot) {
        if (slot < SLOTS) {
            slots.set(slot, null);
        }
        waiting.decrementAndGet();
    }

    /** Something has changed. */
    void wake() {
        if (waiting.get() == 0) {
            return;
        }
        for (int slot = 0; slot < SLOTS; slot++) {
            Thread thread = slots.get(slot);
            if (thread != null) {
                LockSupport.unpark(thread);
            }
        }
    }
}
