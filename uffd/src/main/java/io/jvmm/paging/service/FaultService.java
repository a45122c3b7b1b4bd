// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.FaultMode;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.Pager;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingListener;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.SelfService;
import io.jvmm.paging.WorkingSet;
import io.jvmm.paging.source.ZeroPageSource;

import jdk.jfr.FlightRecorder;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.Map;
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
 * <p>{@link #close} ends within some ten seconds, whatever the source does. If the source answers
 * nothing, not even when it is closed, the memory that it may write to stays allocated ({@link
 * #isMemoryHeld}).
 *
 * <p>What is there when memory is attached stays, and with transparent huge pages one write makes
 * the 2 MiB around it present, as zeros. Private memory into which something is written before must
 * not use them ({@code MADV_NOHUGEPAGE}) until then.
 */
public final class FaultService implements Pager, PageGate, SelfService {

    private static final long CLOSING_NANOS = 10_000_000_000L;
    private static final long LISTENER_NANOS = 1_000_000_000;
    private static final PagingStatistics NOTHING_DONE =
            new PagingStatistics(Map.of(), Map.of(), Map.of(), 0, 0, 0, List.of());

    private final PageSource source;
    private final PagingConfig config;
    private final PagingClock clock;
    private final Runnable flightRecorderHook = this::recordStatistics;
    private volatile FaultMode mode;
    private volatile @Nullable Attachment attachment;
    private volatile boolean held;
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
        clock = new PagingClock(listener, config.deadline().toNanos(), this::tick);
    }

    @Override
    public synchronized void attach(List<GuestRange> ranges) {
        if (attachment != null || closed) {
            throw new IllegalStateException("memory is attached once");
        }
        Attachment made = new Attachment(ranges, source, config, mode, clock);
        attachment = made;
        clock.begin();
        made.begin();
        FlightRecorder.addPeriodicEvent(PagingStatisticsEvent.class, flightRecorderHook);
    }

    @Override
    public boolean isWaiting(int threadId) {
        Attachment current = attachment;
        return current != null && current.isWaiting(threadId);
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
    public boolean isPresent(long gpa, long length) {
        Attachment current = attachment;
        return current == null || current.access.isPresent(gpa, length);
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
        FaultMode before = mode;
        mode = FaultMode.BLOCKING;
        Attachment current = attachment;
        if (current != null && !closed && before.isSelfService()) {
            current.fallBack(before);
        }
    }

    /** What was done so far. */
    public PagingStatistics statistics() {
        Attachment current = attachment;
        return current == null ? NOTHING_DONE : current.statistics();
    }

    /** The first pages that were wanted, in order; to be brought ahead in another run. */
    public WorkingSet workingSet() {
        Attachment current = attachment;
        return current == null ? WorkingSet.EMPTY : current.recorder.recorded();
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
        if (current != null) {
            current.dropped(gpa, length);
        }
    }

    private void recordStatistics() {
        PagingStatisticsEvent.emit(statistics());
    }

    private boolean tick() {
        Attachment current = attachment;
        return current == null || current.tick();
    }

    @Override
    public void letGo() {
        Attachment current = attachment;
        if (current != null) {
            current.letGo();
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
        long until = System.nanoTime() + CLOSING_NANOS;
        try {
            held = !current.close(until);
        } finally {
            // The listener has a moment even if the source has used all the time up.
            clock.close(Math.max(until, System.nanoTime() + LISTENER_NANOS));
        }
    }

    /**
     * Whether the service was closed while its source had not answered all requests. Then the
     * source may still write to the aliases of guest memory: they, and guest memory itself, must
     * stay mapped.
     */
    public boolean isMemoryHeld() {
        return held;
    }
}
