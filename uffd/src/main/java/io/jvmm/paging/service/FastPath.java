// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.uffd.FaultMessage;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingStatistics.Cause;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * The short way of faults, where pages come one by one and the source has them in memory: the
 * reader puts each in place before it does anything else. No other thread takes part in that, so
 * what is for several is left out: the transfer, the mark that the page is wanted, the table of
 * waits, and all locks.
 *
 * <p>What is not as plain as that, or turns out not to be, is the {@link Dispatcher}'s.
 */
final class FastPath {

    /** Whose faults they are, and who takes those that cannot go this way. */
    interface Owner extends Shard.Handler {
        /** A thread waits for a page that nobody else fetches; counted by the shard. */
        void empty(long gpa);
    }

    private static final int PAGE = PageRequest.PAGE_BYTES;

    private final boolean open;
    private final Dispatcher dispatcher;
    private final Arrivals arrivals;
    private final SourceState sourceState;
    private final PageStates states;
    private final PageSource source;
    private final Installer installer;
    private final Owner owner;
    private final long deadlineNanos;

    /**
     * @param open whether pages come one by one, and shards are never replaced
     */
    FastPath(
            boolean open,
            Dispatcher dispatcher,
            PageSource source,
            Installer installer,
            Owner owner,
            long deadlineNanos) {
        this.open = open;
        this.dispatcher = dispatcher;
        arrivals = dispatcher.arrivals;
        sourceState = dispatcher.sourceState;
        states = dispatcher.states;
        this.source = source;
        this.installer = installer;
        this.owner = owner;
        this.deadlineNanos = deadlineNanos;
    }

    /**
     * Serves the faults of one read. Called by the shard's reader.
     *
     * @return false if nothing was done, since they cannot go this way, or not all are faults
     */
    boolean serve(Shard shard, FaultMessages messages, int count, long now) {
        ReadWaits waits = shard.waits.ofRead;
        if (!open || !sourceState.mayAsk() || !note(waits, messages, count)) {
            return false;
        }
        waits.begin(count, now, now + deadlineNanos);
        for (int index = 0; index < count; index++) {
            serve(shard, index, now, index + 1 < count);
        }
        return true;
    }

    private boolean note(ReadWaits waits, FaultMessages messages, int count) {
        for (int index = 0; index < count; index++) {
            FaultMessage message = messages.at(index);
            if (!message.isPageFault()) {
                return false;
            }
            long hva = message.address();
            int range = states.memory.rangeOfHva(hva);
            if (range == PageStates.NONE) {
                return false;
            }
            int page = states.memory.ofHva(range, hva);
            waits.note(index, message.threadId(), page, states.memory.gpaOfHva(range, hva), hva);
        }
        return true;
    }

    // What one message leads to must not keep the others from being served.
    @SuppressWarnings("CatchingUnchecked")
    private void serve(Shard shard, int index, long now, boolean more) {
        ReadWaits waits = shard.waits.ofRead;
        int page = waits.page(index);
        long gpa = waits.gpa(index);
        try {
            MemorySegment from = claim(page, gpa, shard.waits);
            if (from != null) {
                bring(shard, page, gpa, waits.hva(index), from);
            } else {
                int threadId = waits.threadId(index);
                shard.waits.passes(threadId);
                owner.fault(shard, waits.hva(index), threadId, now);
                owner.serve(shard, waits.hva(index), more);
            }
        } catch (RuntimeException | Error e) {
            owner.broken(e);
        }
    }

    /** Claims a page if it can go this way: where its content is, or null. */
    private @Nullable MemorySegment claim(int page, long gpa, WaitTable waits) {
        if (!waits.isEmpty() || states.isDropped(page)) {
            return null;
        }
        MemorySegment from = resident(gpa);
        return from != null && states.map.claim(page) ? from : null;
    }

    // The dispatcher asks again, and tells of it.
    @SuppressWarnings("CatchingUnchecked")
    private @Nullable MemorySegment resident(long gpa) {
        try {
            return source.resident(gpa, 1);
        } catch (RuntimeException | Error _) {
            return null;
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void bring(Shard shard, int page, long gpa, long hva, MemorySegment from) {
        long result;
        try {
            Shard.count(shard.empty);
            owner.empty(gpa);
            long offset = source.residentOffset(gpa);
            result = installer.putPage(shard.filler, gpa, hva, from, offset);
        } catch (RuntimeException | Error e) {
            shard.waits.remains();
            states.want(page);
            arrivals.sourceThrew(page, 1, e);
            return;
        }
        if (sourceState.isAway()) {
            dispatcher.sourceBrought();
        }
        if (result == PAGE) {
            Shard.count(shard.brought);
            arrived(shard.waits, page);
        } else {
            shard.waits.remains();
            states.want(page);
            installer.conclude(shard.uffd, page, result, Cause.FAULT);
        }
    }

    // Counted before: nobody is to see the page and not the count.
    private void arrived(WaitTable waits, int page) {
        states.map.arrive(page);
        // Looked at after the arrival: whoever wants or drops it from here on sees it present.
        if (states.isDropped(page) || states.isWanted(page)) {
            waits.remains();
            arrivals.follow(page, 1, installer.filledPath(), states.drops());
        } else {
            waits.served(page, System.nanoTime());
            dispatcher.faulted(page);
            arrivals.followAtOnce();
        }
    }
}
