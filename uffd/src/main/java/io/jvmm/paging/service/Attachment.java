// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.Pager;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * Guest memory in a service's care: its pages, its shards, and what their messages lead to. From
 * the registration until {@link #close}.
 */
final class Attachment implements Dispatcher.Owner, OwnFaults.Notes, FastPath.Owner {

    private static final long PAGE = PageRequest.PAGE_BYTES;
    private static final System.Logger LOG = System.getLogger("io.jvmm.paging");
    private static final PagingEvent.ServiceDied READER_DIED =
            new PagingEvent.ServiceDied("reader of page faults");
    private static final long CLOSING_LOOK_NANOS = 1_000_000;

    final PageStates states;
    final GatedAccess access;
    final OwnFaults own;
    final WorkingSetRecorder recorder = new WorkingSetRecorder();
    private final PagingConfig config;
    private final PagingClock clock;
    private final long deadlineNanos;
    private final StallRecorder stalls = new StallRecorder();
    private final Counters<Fault> faults = new Counters<>(Fault.class);
    private final Dispatcher dispatcher;
    private final FastPath fastPath;
    // Replaced one by one when the mode changes.
    private final List<Shard> shards = new CopyOnWriteArrayList<>();
    // By chunk, of which none belongs to two.
    private final int[] shardOf;

    /**
     * Registers the memory. Nobody reads messages before {@link #begin}.
     *
     * @param clock tells of what happens
     */
    Attachment(
            List<GuestRange> ranges,
            PageSource source,
            PagingConfig config,
            FaultMode mode,
            PagingClock clock) {
        this.config = config;
        this.clock = clock;
        deadlineNanos = config.deadline().toNanos();
        states = new PageStates(new PagedMemory(ranges));
        dispatcher = new Dispatcher(states, source, config, this, mode.isSelfService());
        try {
            fastPath = dispatcher.fastPath(this, deadlineNanos);
            access = new GatedAccess(states, dispatcher, recorder);
            own = new OwnFaults(states, dispatcher, this, this, deadlineNanos);
            dispatcher.wakes(mode != FaultMode.ANNOTATED);
            shardOf = new int[states.map.chunks()];
            register(mode);
        } catch (RuntimeException | Error e) {
            shards.forEach(Shard::close);
            boolean _ = dispatcher.release();
            throw e;
        }
    }

    private void register(FaultMode mode) {
        Registration registration = registration(mode);
        for (GuestRange part : ShardLayout.divide(states.memory.ranges(), config.shards())) {
            int first = states.memory.ofHva(part.hva());
            int last = first + (int) (part.length() / PAGE) - 1;
            int number = shards.size();
            Arrays.fill(shardOf, PageStates.chunk(first), PageStates.chunk(last) + 1, number);
            WaitTable waits = new WaitTable(stalls, states.map::isPresent);
            shards.add(new Shard(number, part, registration, waits, this));
        }
        if (mode == FaultMode.POISON) {
            shards.forEach(Shard::mark);
        }
    }

    private Registration registration(FaultMode mode) {
        return Registration.of(mode, !config.aliases().isEmpty());
    }

    /** Messages are read from here on, and pages fetched. */
    void begin() {
        shards.forEach(Shard::begin);
        dispatcher.begin();
    }

    @Override
    public Shard shard(int page) {
        return shards.get(shardOf[PageStates.chunk(page)]);
    }

    @Override
    public void tell(PagingEvent event) {
        clock.tell(event);
    }

    @Override
    public void missesAgain() {
        clock.wake();
    }

    @Override
    public boolean quick(Shard shard, FaultMessages messages, int count, long now) {
        return fastPath.serve(shard, messages, count, now);
    }

    @Override
    public void empty(long gpa) {
        recorder.wanted(gpa);
    }

    @Override
    public void fault(Shard shard, long address, int threadId, long now) {
        int page = states.memory.ofHva(address);
        if (page == PageStates.NONE) {
            faults.add(Fault.UNKNOWN, 1);
            return;
        }
        shard.waits.waits(threadId, page, now, deadlineNanos);
        if (states.map.isPresent(page)) {
            present(dispatcher.heal(page));
            return;
        }
        missing(page);
    }

    @Override
    public void missing(int page) {
        faults.add(kindOf(page), 1);
        if (states.want(page)) {
            recorder.wanted(states.memory.gpa(page));
        }
    }

    private Fault kindOf(int page) {
        if (states.isDropped(page)) {
            return Fault.DROPPED;
        }
        return states.map.isClaimed(page) ? Fault.FETCHING : Fault.EMPTY;
    }

    @Override
    public void present(boolean dropped) {
        faults.add(dropped ? Fault.DROPPED : Fault.PRESENT, 1);
    }

    @Override
    public void serve(Shard shard, long address, boolean more) {
        int page = states.memory.ofHva(address);
        if (page != PageStates.NONE) {
            dispatcher.fault(page, more);
        }
    }

    @Override
    public void removed(long start, long end, boolean unmapped) {
        for (GuestRange range : states.memory.ranges()) {
            long from = Math.max(start, range.hva());
            long to = Math.min(end, range.endHva());
            if (from < to && !unmapped) {
                int first = states.memory.ofHva(from);
                dispatcher.dropped(first, (int) ((to - from) / PAGE));
            }
        }
    }

    @Override
    public void broken(Throwable cause) {
        clock.tellFailed(cause);
    }

    @Override
    public void died() {
        clock.tellDeath(READER_DIED);
    }

    /** As {@link FaultService#dropped}. */
    void dropped(long gpa, long length) {
        for (long at = gpa; at < gpa + length; ) {
            int first = states.memory.ofGpa(at);
            if (first == PageStates.NONE) {
                throw new PagingException(
                        PagingException.Reason.UNKNOWN, at, "not in the pager's care");
            }
            int rest = states.memory.endOfRange(first) - first;
            int count = (int) Math.min((gpa + length - at) / PAGE, rest);
            dispatcher.dropped(first, count);
            at += count * PAGE;
        }
    }

    /** As {@link Pager#isWaiting}. */
    boolean isWaiting(int threadId) {
        for (int i = 0; i < shards.size(); i++) {
            if (shards.get(i).waits.isStuck(threadId)) {
                return true;
            }
        }
        return false;
    }

    /**
     * From here on all who need a page wait in the kernel.
     *
     * @param before the mode until now, in which they served themselves
     */
    void fallBack(FaultMode before) {
        List<Shard> replaced = List.copyOf(shards);
        Registration registration = registration(FaultMode.BLOCKING);
        // Whoever puts pages in place waits meanwhile: he would find them registered nowhere.
        dispatcher.shardLock.exclusively(() -> {
            for (int i = 0; i < replaced.size(); i++) {
                boolean marked = before == FaultMode.POISON;
                Shard successor = replaced.get(i).succeed(registration, marked, states);
                shards.set(i, successor);
                successor.begin();
            }
            dispatcher.wakes(true);
        });
        replaced.forEach(Shard::close);
    }

    /** What was done so far. */
    PagingStatistics statistics() {
        Map<Fault, Long> met = faults.snapshot();
        Map<Cause, Long> pages = dispatcher.arrivals.pages.snapshot();
        Map<Path, Long> bytes = dispatcher.arrivals.bytes.snapshot();
        int waiting = 0;
        for (Shard shard : shards) {
            long brought = shard.brought.get();
            met.merge(Fault.EMPTY, shard.empty.get(), Long::sum);
            pages.merge(Cause.FAULT, brought, Long::sum);
            bytes.merge(dispatcher.filledPath(), brought * PAGE, Long::sum);
            waiting += shard.waits.size();
        }
        return new PagingStatistics(
                met,
                pages,
                bytes,
                states.map.missing(),
                dispatcher.arrivals.lostPages(),
                waiting,
                stalls.histograms());
    }

    /**
     * Looks who waits for too long. Called at regular times.
     *
     * @return false if nobody can wait before {@link #missesAgain}
     */
    boolean tick() {
        long now = System.nanoTime();
        for (Shard shard : shards) {
            shard.waits.tellOverdue(now, deadlineNanos, this::overdue);
        }
        dispatcher.lookAgain();
        return !states.map.allPresent();
    }

    private boolean overdue(int threadId, int page, long waitedNanos) {
        long gpa = states.memory.gpa(page);
        Duration waited = Duration.ofNanos(waitedNanos);
        clock.tell(new PagingEvent.Overdue(gpa, threadId, waited, config.overdue()));
        return config.overdue() == OverduePolicy.KEEP_WAITING;
    }

    /** As {@link Pager#letGo}. */
    void letGo() {
        dispatcher.end();
        shards.forEach(Shard::letGo);
    }

    /**
     * Ends what goes on and gives everything back.
     *
     * @param until when to wait no longer for the source, as {@link System#nanoTime} counts
     * @return false if the source has not answered: then what it may still write to, and the
     *     descriptors, are left as they are
     */
    boolean close(long until) {
        letGo();
        boolean ended = dispatcher.close(until);
        for (Shard shard : shards) {
            ended &= shard.end(until);
        }
        // Whoever still has a request answers it with the descriptors.
        if (!ended || !release(until)) {
            dispatcher.abandon();
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the page source was closed and has not answered all requests:"
                            + " the memory that it may still write to stays allocated");
            return false;
        }
        shards.forEach(Shard::close);
        return true;
    }

    private boolean release(long until) {
        while (!dispatcher.release()) {
            if (System.nanoTime() - until > 0) {
                return false;
            }
            LockSupport.parkNanos(CLOSING_LOOK_NANOS);
        }
        return true;
    }
}
