// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Decides what is asked of the source next, and follows each transfer until its pages are put in
 * place; what follows then is for {@link Arrivals}. Called by the readers, the workers, gated
 * readers, and the source's threads, without an order: the claim of a page settles who brings it.
 */
final class Dispatcher implements Transfer.Completion, Workers.Work, PageSink {

    /** What the dispatcher tells the service. */
    interface Owner {
        Shard shard(int page);

        /** Tells the owner; never throws. */
        void tell(PagingEvent event);

        /** Tells of a failure that is tried again, if there is memory for it. */
        default void tellFailed(Throwable cause) {
            try {
                tell(new PagingEvent.Failed(cause));
            } catch (OutOfMemoryError _) {
                // It is tried again, and tells of itself again.
            }
        }

        /** Pages were dropped, or are missing again for another reason. */
        void missesAgain();
    }

    static final PagingEvent SOURCE_AWAY = new PagingEvent.SourceAway();
    private static final PagingEvent SOURCE_BACK = new PagingEvent.SourceBack();
    private static final long REST_NANOS = 1_000_000_000;
    // Whoever is quicker than another thread wakes up needs no help.
    private static final long WORTH_HELP_NANOS = 50_000;

    final PageStates states;
    final Arrivals arrivals;
    final SourceState sourceState;
    final ShardLock shardLock;
    private final PageSource source;
    private final boolean synchronous;
    private final Owner owner;
    private final TransferPool pool;
    private final Installer installer;
    private final UnitChooser units;
    // Pages come one by one: there is nothing to learn from how long they take.
    private final boolean isSingle;
    private final Prefetcher prefetcher;
    private final Workers workers;
    private final AtomicInteger turn = new AtomicInteger();
    private final AtomicBoolean toldSource = new AtomicBoolean();
    private final Runnable sourceEnd = this::endSource;
    private volatile boolean starved;
    private volatile boolean abandoned;
    private volatile long lastFetchNanos = Long.MAX_VALUE;

    /**
     * @param mayReplaceShards whether {@link ShardLock#exclusively} may be called
     */
    Dispatcher(
            PageStates states,
            PageSource source,
            PagingConfig config,
            Owner owner,
            boolean mayReplaceShards) {
        this.states = states;
        this.source = source;
        this.owner = owner;
        synchronous = source.isSynchronous();
        shardLock = new ShardLock(mayReplaceShards);
        sourceState = new SourceState(config.retry().toNanos());
        workers = new Workers(config.workers(), this);
        arrivals = new Arrivals(states, sourceState, owner, workers::signal);
        boolean shared = !config.aliases().isEmpty();
        pool = new TransferPool(config.stagingChunks(), !shared, this);
        installer = installer(config);
        units = new UnitChooser(config.minUnit(), config.maxUnit(), synchronous);
        isSingle = config.maxUnit() == 1;
        prefetcher =
                new Prefetcher(states, config.workingSet(), config.sweep(), config.neighbours());
        states.map.whenGivenUp(workers::signal);
    }

    private Installer installer(PagingConfig config) {
        try {
            return config.aliases().isEmpty()
                    ? new AnonymousInstaller(states, arrivals, pool)
                    : new SharedInstaller(states, arrivals, config.aliases());
        } catch (RuntimeException | Error e) {
            boolean _ = pool.tryClose();
            throw e;
        }
    }

    /** The way for single faults. */
    FastPath fastPath(FastPath.Owner user, long deadlineNanos) {
        boolean open = isSingle && !shardLock.mayReplaceShards();
        return new FastPath(open, this, source, installer, user, deadlineNanos);
    }

    /** The memory is registered. */
    void begin() {
        installer.begin(page -> owner.shard(page).uffd);
        source.start(this);
        workers.begin();
        arrivals.checkComplete();
    }

    /** Somebody waits for the page; {@code more} if there are others like this. */
    void fault(int page, boolean more) {
        faulted(page);
        if (more && synchronous && lastFetchNanos > WORTH_HELP_NANOS) {
            workers.signal();
        }
        // Asked at once, even if the source is to be left alone: what it could not bring may have
        // been another page.
        if (sourceState.isEnding() || !bring(page, Cause.FAULT)) {
            workers.signal();
        }
    }

    /** Somebody needs, or has just got, this page: what follows it may be worth bringing. */
    void faulted(int page) {
        if (prefetcher.faulted(page)) {
            workers.signal();
        }
    }

    /** A fault was told for a page that counts as present; whether it was missing. */
    boolean heal(int page) {
        long stamp = shardLock.hold();
        try {
            return installer.heal(owner.shard(page).uffd, page);
        } finally {
            shardLock.release(stamp);
        }
    }

    /** Whether somebody may sleep until a page comes. */
    void wakes(boolean on) {
        installer.wakes(on);
    }

    /**
     * Sees to it that a wanted page comes.
     *
     * @return false if it is to be tried again later
     */
    boolean serve(int page, Cause cause) {
        return isUnderWay(page) || (sourceState.mayAsk() && bring(page, cause));
    }

    private boolean isUnderWay(int page) {
        if (states.map.isPresent(page)) {
            return true;
        }
        if (states.map.isClaimed(page)) {
            hasten(page);
            return true;
        }
        return false;
    }

    private boolean bring(int page, Cause cause) {
        if (isUnderWay(page)) {
            return true;
        }
        if (states.isDropped(page)) {
            return serveDropped(page);
        }
        Transfer transfer = take(true);
        if (transfer == null) {
            return false;
        }
        if (!states.claimAround(page, units.unit(), transfer)) {
            give(transfer);
            hasten(page);
            return true;
        }
        start(transfer, Priority.URGENT, cause);
        return true;
    }

    private boolean serveDropped(int page) {
        if (states.map.claim(page)) {
            long stamp = shardLock.hold();
            try {
                installer.zeros(owner.shard(page).uffd, page, 1, Cause.FAULT, false);
            } finally {
                shardLock.release(stamp);
            }
        }
        return true;
    }

    private void hasten(int page) {
        if (synchronous) {
            return;
        }
        for (int i = 0; i < pool.size(); i++) {
            Transfer transfer = pool.get(i);
            if (transfer.isBringing(page) && transfer.request.priority() != Priority.URGENT) {
                transfer.request.raise(Priority.URGENT);
                source.hasten(transfer.request);
            }
        }
    }

    @Override
    public long step() {
        if (arrivals.isComplete() && toldSource.compareAndSet(false, true)) {
            source.allInstalled();
            return 0;
        }
        long wait = sourceState.isEnding() ? REST_NANOS : sourceState.waitNanos();
        if (wait > 0) {
            return Math.min(wait, REST_NANOS);
        }
        int page = states.nextWanted(turn.getAndIncrement() & Integer.MAX_VALUE);
        if (page != PageStates.NONE && serve(page, Cause.FAULT)) {
            return 0;
        }
        Transfer transfer = take(false);
        if (transfer == null) {
            return REST_NANOS;
        }
        Cause cause = prefetcher.next(transfer, units.unit(), units.ahead(), sourceState.isAway());
        if (cause == null) {
            give(transfer);
            return states.map.allPresent() ? Workers.UNTIL_SIGNALLED : REST_NANOS;
        }
        start(transfer, cause == Cause.SWEEP ? Priority.SWEEP : Priority.PREFETCH, cause);
        return 0;
    }

    // Errors too: a mapped file that gets shorter shows as one. Uncaught they would end a reader,
    // and whoever waits would wait for ever, untold.
    @SuppressWarnings("CatchingUnchecked")
    private void start(Transfer transfer, Priority priority, Cause cause) {
        if (isCopied(transfer, cause)) {
            give(transfer);
            return;
        }
        int life = begin(transfer, priority, cause);
        try {
            source.fetch(transfer.request, 0, transfer.count());
        } catch (RuntimeException | Error e) {
            // Only a source's own word makes a page lost: what it has not answered is asked again.
            boolean news = !sourceState.isAway();
            transfer.giveUp(life);
            if (news) {
                owner.tellFailed(e);
            }
        }
    }

    /** Puts the pages in place from where the source has them, if it does and that is best. */
    @SuppressWarnings("CatchingUnchecked")
    private boolean isCopied(Transfer transfer, Cause cause) {
        if (installer.movesWhole(transfer)) {
            return false;
        }
        int first = transfer.first();
        int count = transfer.count();
        long gpa = states.memory.gpa(first);
        long start = isSingle ? 0 : System.nanoTime();
        MemorySegment resident;
        long residentOffset;
        try {
            MemorySegment from = source.resident(gpa, count);
            if (from == null) {
                return false;
            }
            long offset = source.residentOffset(gpa);
            installer.stage(first, count, from, offset);
            residentOffset = offset;
            resident = from;
        } catch (RuntimeException | Error e) {
            arrivals.sourceThrew(first, count, e);
            return true;
        }
        sourceBrought();
        copy(first, count, resident, residentOffset, cause);
        if (isSingle) {
            lastFetchNanos = 0;
        } else {
            lastFetchNanos = System.nanoTime() - start;
            units.record(count, lastFetchNanos);
        }
        return true;
    }

    private void copy(int first, int count, MemorySegment from, long offset, Cause cause) {
        long stamp = shardLock.hold();
        try {
            Userfaultfd uffd = owner.shard(first).uffd;
            installer.installResident(uffd, first, count, from, offset, cause);
        } finally {
            shardLock.release(stamp);
        }
    }

    private int begin(Transfer transfer, Priority priority, Cause cause) {
        int life =
                transfer.begin(
                        states.memory.gpa(transfer.first()),
                        priority,
                        cause,
                        installer.memory(transfer),
                        installer.offset(transfer),
                        System.nanoTime());
        // Whoever came between the claim and this found no request to hasten.
        if (states.isWanted(transfer.first(), transfer.count())) {
            transfer.request.raise(Priority.URGENT);
        }
        return life;
    }

    private @Nullable Transfer take(boolean urgent) {
        Transfer transfer = pool.take(urgent);
        if (transfer == null) {
            starved = true;
            // One may have come back before it was known that somebody wants it.
            transfer = pool.take(urgent);
        }
        return transfer;
    }

    private void give(Transfer transfer) {
        pool.give(transfer);
        if (starved) {
            starved = false;
            workers.signal();
        }
    }

    @Override
    public void completed(Transfer transfer) {
        if (abandoned) {
            return;
        }
        PageRequest request = transfer.request;
        long now = System.nanoTime();
        lastFetchNanos = now - transfer.startNanos();
        if (request.isComplete()) {
            units.record(transfer.count(), now - transfer.startNanos());
            sourceBrought();
        } else if (request.isAway() && sourceState.goesAway()) {
            owner.tell(SOURCE_AWAY);
        }
        long stamp = shardLock.hold();
        try {
            installer.install(owner.shard(transfer.first()).uffd, transfer);
        } finally {
            shardLock.release(stamp);
        }
        give(transfer);
    }

    /** The source has given what it was asked for. */
    void sourceBrought() {
        if (sourceState.comesBack()) {
            owner.tell(SOURCE_BACK);
        }
    }

    /** How pages are put in place that come one by one. */
    Path filledPath() {
        return installer.filledPath();
    }

    @Override
    public @Nullable PageRequest offer(long gpa, int count) {
        int page = states.memory.ofGpa(gpa);
        if (sourceState.isEnding()
                || page == PageStates.NONE
                || count < 1
                || states.isDropped(page, count)
                || page + count > states.memory.endOfChunk(PageStates.chunk(page))) {
            return null;
        }
        Transfer transfer = take(false);
        if (transfer == null) {
            return null;
        }
        if (!states.map.claim(page, count)) {
            give(transfer);
            if (states.isWanted(page, count)) {
                workers.signal();
            }
            return null;
        }
        transfer.claimed(page, count);
        begin(transfer, Priority.SWEEP, Cause.PUSH);
        return transfer.request;
    }

    /** These pages are dropped, or about to be. */
    void dropped(int first, int count) {
        states.drop(first, count);
        owner.missesAgain();
        // Who has looked before it was known takes them for empty, or being fetched.
        workers.signal();
    }

    @Override
    public void failed(Throwable cause) {
        owner.tellFailed(cause);
    }

    @Override
    public void available() {
        sourceState.available();
        workers.signal();
    }

    /** There may be something to do. */
    void signal() {
        workers.signal();
    }

    /** Looks whether somebody waits for a page that nobody fetches; for what was missed. */
    void lookAgain() {
        if (states.nextWanted(0) != PageStates.NONE) {
            workers.signal();
        }
    }

    /** No further requests. */
    void end() {
        sourceState.end();
        arrivals.gate.wake();
        for (int i = 0; i < pool.size(); i++) {
            Transfer transfer = pool.get(i);
            if (transfer.isActive()) {
                source.cancel(transfer.request);
            }
        }
    }

    /**
     * Ends the workers and the source. All that was under way is answered afterwards.
     *
     * @param until when to wait no longer, as {@link System#nanoTime} counts
     * @return false if a worker, or the source's end, takes longer
     */
    boolean close(long until) {
        end();
        // The source may be what holds a worker up, and let it go when it is closed.
        long now = System.nanoTime();
        boolean ended = workers.close(now + (until - now) / 2);
        return closeSource(until) && (ended || workers.close(until));
    }

    private boolean closeSource(long until) {
        Thread closer = Thread.ofPlatform().daemon().name("paging-source-end").unstarted(sourceEnd);
        try {
            closer.start();
        } catch (OutOfMemoryError _) {
            // No further thread can be had.
            sourceEnd.run();
            return true;
        }
        return Joining.join(closer, until);
    }

    @SuppressWarnings("CatchingUnchecked")
    private void endSource() {
        try {
            source.close();
        } catch (RuntimeException | Error e) {
            owner.tellFailed(e);
        }
    }

    /** Answers that come from here on are too late: nothing is put in place any more. */
    void abandon() {
        abandoned = true;
    }

    /** Gives the staging memory back; false if the source still holds a part of it. */
    boolean release() {
        if (!pool.tryClose()) {
            return false;
        }
        if (installer instanceof AnonymousInstaller anonymous) {
            anonymous.close();
        }
        return true;
    }
}
