// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.SelfService;
import io.jvmm.paging.SelfService.Answer;

import org.jspecify.annotations.Nullable;

import java.util.function.BooleanSupplier;

/** Faults that are served by the thread that has taken them. */
final class OwnFaults {

    // Who is not told of an arrival, or has no slot, looks again after this time.
    private static final long LOOK_NANOS = 100_000_000;

    /** What the service notes about a fault. */
    interface Notes {
        /** A thread needs a page that is not there. */
        void missing(int page);

        /**
         * The page counts as present.
         *
         * @param dropped whether it was not, since somebody had dropped it; it is zero now
         */
        void present(boolean dropped);
    }

    private final PageStates states;
    private final Dispatcher dispatcher;
    private final Dispatcher.Owner shards;
    private final Notes notes;
    private final long deadlineNanos;

    OwnFaults(
            PageStates states,
            Dispatcher dispatcher,
            Dispatcher.Owner shards,
            Notes notes,
            long deadlineNanos) {
        this.states = states;
        this.dispatcher = dispatcher;
        this.shards = shards;
        this.notes = notes;
        this.deadlineNanos = deadlineNanos;
    }

    /** As {@link SelfService#bring}. */
    Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
        int page = states.memory.ofGpa(gpa);
        if (page == PageStates.NONE) {
            return Answer.UNKNOWN;
        }
        if (states.map.isPresent(page)) {
            boolean dropped = dispatcher.heal(page);
            notes.present(dropped);
            return dropped ? Answer.BROUGHT : Answer.PRESENT;
        }
        WaitTable waits = shards.shard(page).waits;
        waits.waits(threadId, page, System.nanoTime(), deadlineNanos, interrupted == null);
        notes.missing(page);
        dispatcher.fault(page, false);
        if (states.map.isPresent(page)) {
            return Answer.BROUGHT;
        }
        int slot = dispatcher.arrivals.gate.enter();
        try {
            return await(page, slot, interrupted);
        } finally {
            dispatcher.arrivals.gate.leave(slot);
            waits.leaves(threadId);
        }
    }

    private Answer await(int page, int slot, @Nullable BooleanSupplier interrupted) {
        while (!states.map.isPresent(page)) {
            if (interrupted != null && interrupted.getAsBoolean()) {
                return Answer.INTERRUPTED;
            }
            if (dispatcher.sourceState.isEnding()) {
                return Answer.ENDED;
            }
            dispatcher.arrivals.gate.await(slot, LOOK_NANOS);
        }
        return Answer.BROUGHT;
    }
}
