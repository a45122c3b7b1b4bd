package io.jvmm.paging;

import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;

import jdk.jfr.FlightRecorder;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Brings guest memory from a {@link PageSource} while the guest runs.
 *
 * <p>Guest memory is cut into shards, each with a userfaultfd and a thread that reads its messages.
 * A fault is served by the reader itself if the source works at once; otherwise it asks, and the
 * source's own thread puts the pages in place. Workers help when several faults come together, and
 * fetch ahead; a fault never waits behind more than the piece that each of them is busy with.
 *
 * <p>Nothing is allocated per fault, and no lock is held while anything is waited for.
 *
 * <p><b>Lifetime.</b> The service closes its source. The source must have every page of guest
 * memory, those included that are there when {@link #attach} is called and keep their content; a
 * {@link ZeroPageSource} below it does for what nobody has written.
 *
 * <p>What is there when memory is attached stays, and with transparent huge pages one write makes
 * the 2 MiB around it present, as zeros. Private memory into which something is written before must
 * not use them ({@code MADV_NOHUGEPAGE}) until then.
 */
public final class FaultService implements Pager, PageGate, SelfService {

    private static final long PAGE = PageRequest.PAGE_BYTES;
    private static final long CLOSING_NANOS = 30_000_000_000L;
    private static final long CLOSING_LOOK_NANOS = 1_000_000;

    private final PageSource source;
    private final PagingConfig config;
    private final long deadlineNanos;
    private final StallRecorder stalls = new StallRecorder();
    private final Counters<Fault> faults = new Counters<>(Fault.class);
    private final WorkingSetRecorder recorder = new WorkingSetRecorder();
    private final PagingClock clock;
    private final Runnable flightRecorderHook = this::recordStatistics;
    private volatile FaultMode mode;
    private volatile @Nullable Attachment attachment;
    private boolean closed;

    /**
     * A service that has nothing in its care yet, for vCPUs that wait in the kernel.
     *
     * @param source closed with the service
     * @param listener is told of what happens, on a thread of its own
     */
    public FaultService(PageSource source, PagingConfig config, PagingListener listener) {
        this(source, config, FaultMode.BLOCKING, listener);
    }

    /**
     * As {@link #FaultService(PageSource, PagingConfig, PagingListener)}, for vCPUs that come to
     * missing pages in another way. Whoever else touches one without asking the gate gets {@code
     * EFAULT} from a system call then, and {@code SIGBUS} without.
     */
    public FaultService(
            PageSource source, PagingConfig config, FaultMode mode, PagingListener listener) {
        this.mode = mode;
        this.source = source;
        this.config = config;
        deadlineNanos = config.deadline().toNanos();
        clock = new PagingClock(listener, deadlineNanos, this::tick);
    }

    /** What there is once memory was attached. */
    private final class Attachment implements Dispatcher.Owner, OwnFaults.Notes, FastPath.Owner {
        final PageStates states;
        final Dispatcher dispatcher;
        final FastPath fastPath;
        final GatedAccess access;
        final OwnFaults own;
        // Replaced one by one when the mode changes.
        final List<Shard> shards = new CopyOnWriteArrayList<>();
        // By chunk, of which none belongs to two.
        private final int[] shardOf;

        Attachment(List<GuestRange> ranges) {
            states = new PageStates(new PagedMemory(ranges));
            dispatcher = new Dispatcher(states, source, config, this, mode.isSelfService());
            fastPath = dispatcher.fastPath(this, deadlineNanos);
            access = new GatedAccess(states, dispatcher, recorder);
            own = new OwnFaults(states, dispatcher, this, this, deadlineNanos);
            dispatcher.wakes(mode != FaultMode.ANNOTATED);
            shardOf = new int[states.map.chunks()];
            Registration registration = registration();
            try {
                for (GuestRange part :
                        ShardLayout.divide(states.memory.ranges(), config.shards())) {
                    int first = states.memory.ofHva(part.hva());
                    int last = first + (int) (part.length() / PAGE) - 1;
                    Arrays.fill(
                            shardOf,
                            PageStates.chunk(first),
                            PageStates.chunk(last) + 1,
                            shards.size());
                    shards.add(
                            new Shard(
                                    shards.size(),
                                    part,
                                    registration,
                                    new WaitTable(stalls, states.map::isPresent),
                                    this));
                }
            } catch (RuntimeException e) {
                shards.forEach(Shard::close);
                dispatcher.release();
                throw e;
            }
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
        public boolean quick(Shard shard, FaultMessages messages, int count, long now) {
            return fastPath.serve(shard, messages, count, now);
        }

        @Override
        public void empty(long gpa) {
            recorder.wanted(gpa);
        }

        private Fault kindOf(int page) {
            if (states.isDropped(page)) {
                return Fault.DROPPED;
            }
            return states.map.isClaimed(page) ? Fault.FETCHING : Fault.EMPTY;
        }

        @Override
        public void missing(int page) {
            faults.add(kindOf(page), 1);
            if (states.want(page)) {
                recorder.wanted(states.memory.gpa(page));
            }
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
            clock.tell(new PagingEvent.Failed(cause));
        }
    }

    private Registration registration() {
        return Registration.of(mode, !config.aliases().isEmpty());
    }

    @Override
    public synchronized void attach(List<GuestRange> ranges) {
        if (attachment != null || closed) {
            throw new IllegalStateException("memory is attached once");
        }
        Attachment made = new Attachment(ranges);
        if (mode == FaultMode.POISON) {
            made.shards.forEach(Shard::mark);
        }
        attachment = made;
        clock.begin();
        made.shards.forEach(Shard::begin);
        made.dispatcher.begin();
        FlightRecorder.addPeriodicEvent(PagingStatisticsEvent.class, flightRecorderHook);
    }

    @Override
    public boolean isWaiting(int threadId) {
        Attachment current = attachment;
        if (current == null) {
            return false;
        }
        for (int i = 0; i < current.shards.size(); i++) {
            if (current.shards.get(i).waits.isStuck(threadId)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean allPresent() {
        Attachment current = attachment;
        return current == null || current.states.map.allPresent();
    }

    @Override
    public void populate(long gpa, long length, Duration deadline) {
        Attachment current = attachment;
        if (current == null || length == 0 || current.states.map.allPresent()) {
            return;
        }
        current.access.populate(gpa, length, System.nanoTime() + deadline.toNanos());
    }

    @Override
    public FaultMode mode() {
        return mode;
    }

    @Override
    public Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
        Attachment current = attachment;
        return current == null ? Answer.UNKNOWN : current.own.bring(gpa, threadId, interrupted);
    }

    @Override
    public synchronized void fallBack() {
        boolean marked = mode == FaultMode.POISON;
        Attachment current = attachment;
        if (current == null || closed || !mode.isSelfService()) {
            mode = FaultMode.BLOCKING;
            return;
        }
        mode = FaultMode.BLOCKING;
        List<Shard> before = List.copyOf(current.shards);
        Registration registration = registration();
        // Whoever puts pages in place waits meanwhile: he would find them registered nowhere.
        current.dispatcher.exclusively(() -> {
            for (int i = 0; i < before.size(); i++) {
                Shard successor = before.get(i).succeed(registration, marked, current.states);
                current.shards.set(i, successor);
                successor.begin();
            }
            current.dispatcher.wakes(true);
        });
        before.forEach(Shard::close);
    }

    /** What was done so far. */
    public PagingStatistics statistics() {
        Attachment current = attachment;
        if (current == null) {
            return new PagingStatistics(Map.of(), Map.of(), Map.of(), 0, 0, List.of());
        }
        Dispatcher dispatcher = current.dispatcher;
        Map<Fault, Long> met = faults.snapshot();
        Map<Cause, Long> pages = dispatcher.pages.snapshot();
        Map<Path, Long> bytes = dispatcher.bytes.snapshot();
        int waiting = 0;
        for (Shard shard : current.shards) {
            long brought = shard.brought.get();
            met.merge(Fault.EMPTY, shard.empty.get(), Long::sum);
            pages.merge(Cause.FAULT, brought, Long::sum);
            bytes.merge(dispatcher.filledPath(), brought * PAGE, Long::sum);
            waiting += shard.waits.size();
        }
        return new PagingStatistics(
                met, pages, bytes, current.states.map.missing(), waiting, stalls.histograms());
    }

    /** The first pages that were wanted, in order; to be brought ahead in another run. */
    public WorkingSet workingSet() {
        return recorder.recorded();
    }

    /**
     * For memory that this process drops ({@code madvise}, a hole in the file): to be called before
     * it, so that no Java code takes the pages for present any more, and again after it. They are
     * zero from then on, whatever the source says.
     *
     * @param gpa guest-physical address, a multiple of 4 KiB, of pages in the service's care
     * @param length in bytes, a multiple of 4 KiB
     */
    public void dropped(long gpa, long length) {
        Attachment current = attachment;
        for (long at = gpa; current != null && at < gpa + length; ) {
            int first = current.states.memory.ofGpa(at);
            if (first == PageStates.NONE) {
                throw new PagingException(
                        PagingException.Reason.UNKNOWN, at, "not in the pager's care");
            }
            int rest = current.states.memory.endOfRange(first) - first;
            int count = (int) Math.min((gpa + length - at) / PAGE, rest);
            current.dispatcher.dropped(first, count);
            at += count * PAGE;
        }
    }

    private void recordStatistics() {
        PagingStatisticsEvent.emit(statistics());
    }

    private void tick() {
        Attachment current = attachment;
        if (current == null) {
            return;
        }
        long now = System.nanoTime();
        for (Shard shard : current.shards) {
            shard.waits.tellOverdue(now, deadlineNanos, this::overdue);
        }
        current.dispatcher.signal();
    }

    private boolean overdue(int threadId, int page, long waitedNanos) {
        Attachment current = attachment;
        if (current != null) {
            clock.tell(
                    new PagingEvent.Overdue(
                            current.states.memory.gpa(page),
                            threadId,
                            Duration.ofNanos(waitedNanos),
                            config.overdue()));
        }
        return config.overdue() == OverduePolicy.KEEP_WAITING;
    }

    @Override
    public void letGo() {
        Attachment current = attachment;
        if (current != null) {
            current.dispatcher.end();
            current.shards.forEach(Shard::letGo);
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        FlightRecorder.removePeriodicEvent(flightRecorderHook);
        Attachment current = attachment;
        if (current == null) {
            source.close();
            return;
        }
        letGo();
        current.dispatcher.close();
        current.shards.forEach(Shard::end);
        // Whoever still has a request answers it with the descriptors.
        release(current.dispatcher);
        current.shards.forEach(Shard::close);
        clock.close();
    }

    private static void release(Dispatcher dispatcher) {
        long until = System.nanoTime() + CLOSING_NANOS;
        while (!dispatcher.release()) {
            if (System.nanoTime() - until > 0) {
                throw new IllegalStateException(
                        "the page source is closed but has not answered all requests");
            }
            LockSupport.parkNanos(CLOSING_LOOK_NANOS);
        }
    }
}
