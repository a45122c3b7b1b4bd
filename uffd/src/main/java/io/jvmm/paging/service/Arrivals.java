// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Path;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What follows when pages are in place, or could not be put there: they are counted, become
 * present, and whoever waited for them goes on. Called by whoever puts pages in place, without an
 * order.
 */
final class Arrivals implements Installer.Outcome {

    private static final PagingEvent COMPLETE = new PagingEvent.Complete();

    final Counters<Cause> pages = new Counters<>(Cause.class);
    final Counters<Path> bytes = new Counters<>(Path.class);
    final GateWaiters gate = new GateWaiters();
    // Never comes; a claim that stays keeps it from being asked for again.
    final AtomicBits lost;
    private final PageStates states;
    private final SourceState sourceState;
    private final Dispatcher.Owner owner;
    private final Runnable workers;
    // The last word of the kernel was no; it is told when that is news.
    private volatile boolean refused;
    private final AtomicInteger lostPages = new AtomicInteger();
    private final AtomicBoolean complete = new AtomicBoolean();

    /**
     * @param workers signals that there may be something to do
     */
    Arrivals(PageStates states, SourceState sourceState, Dispatcher.Owner owner, Runnable workers) {
        this.states = states;
        this.sourceState = sourceState;
        this.owner = owner;
        this.workers = workers;
        lost = new AtomicBits(states.map.pages());
    }

    @Override
    public void arrived(int first, int count, Cause cause, Path path, int drops) {
        // Before anybody can see them.
        if (refused) {
            refused = false;
        }
        pages.add(cause, count);
        bytes.add(path, (long) count * PageRequest.PAGE_BYTES);
        states.map.arrive(first, count);
        follow(first, count, path, drops);
    }

    /**
     * What follows when pages are present.
     *
     * @param drops {@link PageStates#drops} before they were put in place
     */
    void follow(int first, int count, Path path, int drops) {
        states.unwant(first, count);
        boolean again =
                (path != Path.ZERO || states.drops() != drops) && states.isDropped(first, count);
        if (again) {
            states.retract(first, count);
        }
        endWaits(first, count, again);
        gate.wake();
        if (again) {
            owner.missesAgain();
            workers.run();
        }
        checkComplete();
    }

    /** The same for pages that nobody has dropped, if all is done for those who wait for them. */
    void followAtOnce() {
        gate.wake();
        checkComplete();
    }

    private void endWaits(int first, int count, boolean again) {
        WaitTable waits = owner.shard(first).waits;
        long now = System.nanoTime();
        if (!again) {
            waits.arrived(first, count, now);
            return;
        }
        for (int page = first; page < first + count; page++) {
            if (!states.isDropped(page)) {
                waits.arrived(page, 1, now);
            }
        }
    }

    /** Tells, once, when nothing is missing. */
    void checkComplete() {
        if (states.map.allPresent() && !complete.get() && complete.compareAndSet(false, true)) {
            owner.tell(COMPLETE);
            workers.run();
        }
    }

    /** Whether nothing was missing at some time; what is dropped afterwards, no source brings. */
    boolean isComplete() {
        return complete.get();
    }

    @Override
    public void released(int first, int count, boolean soon) {
        if (soon) {
            sourceState.changing();
        }
        states.map.release(first, count);
        workers.run();
    }

    @Override
    public void gone(int first, int count) {
        lost.set(first, count);
        lostPages.getAndAdd(count);
        gate.wake();
        if (!sourceState.isEnding()) {
            tellLost(first, count);
        }
    }

    private void tellLost(int first, int count) {
        try {
            owner.tell(new PagingEvent.Lost(states.memory.gpa(first), count));
        } catch (OutOfMemoryError _) {
            // The statistics count them.
        }
    }

    /** How many pages will never come. */
    int lostPages() {
        return lostPages.get();
    }

    /** The source has thrown instead of giving claimed pages: they are asked for again. */
    void sourceThrew(int first, int count, Throwable cause) {
        boolean news = sourceState.goesAway();
        states.map.release(first, count);
        workers.run();
        if (news) {
            owner.tellFailed(cause);
            owner.tell(Dispatcher.SOURCE_AWAY);
        }
    }

    @Override
    public void failed(int first, int count, String operation, Errno errno) {
        sourceState.retryLater();
        states.map.release(first, count);
        workers.run();
        if (!refused) {
            refused = true;
            tellRefused(operation, errno);
        }
    }

    private void tellRefused(String operation, Errno errno) {
        try {
            owner.tellFailed(new KernelException(operation, errno));
        } catch (OutOfMemoryError _) {
            // The next refusal is told.
            refused = false;
        }
    }
}
