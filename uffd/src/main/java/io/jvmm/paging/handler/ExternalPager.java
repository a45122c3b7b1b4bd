// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Residency;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.Pager;
import io.jvmm.paging.PagingException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * Has the page faults of a machine served by another process, to which it hands the userfaultfd:
 * ours ({@code vmm page-server --handler}) or any that was written for Firecracker.
 *
 * <p><b>The handler's end</b> is noticed at once, when both its process and its socket have ended,
 * and told as {@link HandlerEvent.Lost}. The machine's own descriptor stays open, so no thread
 * reads zeros instead of a missing page: a thread that waits, waits on, and answers a pause or a
 * stop, until {@link #handOver} names another handler of the same memory or the machine ends. A
 * handler that neither ends nor answers is told by {@link HandlerEvent.Overdue}.
 *
 * <p><b>The machine's end</b> is not told over the socket: some handlers take the socket's end for
 * an error, and kill their peer. It stays open until the handler closes its own end; the handler
 * sees that the kernel does not know the memory any more.
 *
 * <p><b>Trust.</b> The handler decides what guest memory holds. Wrong pages are found by nobody but
 * the guest. With the descriptor it can also give ranges back to the kernel, which makes missing
 * pages zero, and mark pages as broken, which ends this process when a guest touches one. It can
 * reach no other memory.
 *
 * <p><b>Java code</b> asks the kernel whether pages are there, at each access: a system call, where
 * a {@link io.jvmm.paging.service.FaultService} looks into a map of its own.
 *
 * <p>Thread-safe. Removing pages (a balloon) waits until the handler has read of it.
 */
public final class ExternalPager implements Pager, PageGate {

    private static final long PAGE = 4096;
    private static final int SHORTEST_LOOK_MILLIS = 10;
    private static final int LONGEST_LOOK_MILLIS = 1000;
    private static final long PAUSE_NANOS = 100_000_000;

    /** How long a handler may take to accept a connection, if the caller says nothing else. */
    public static final Duration CONNECTING = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(ExternalPager.class);

    private final Path first;
    private final Duration deadline;
    private final Consumer<HandlerEvent> events;
    private final Userfaultfd uffd;
    private final KernelWaits waits;
    private final Populator populator;
    private final HandlerWatch watch;
    private final Thread watcher;
    private volatile List<GuestRange> memory = List.of();
    private volatile boolean ended;
    private volatile boolean closed;

    // Threads that connect to a handler. Guarded by this.
    private int handingOver;

    /**
     * A pager that hands over when it is attached.
     *
     * @param handler the socket at which the handler listens
     * @param deadline after how long a wait is overdue, 40 ms and more
     * @param events called from a thread of this object, and from {@link #handOver}; may call all
     *     but {@link #close}, which waits for that thread. What it throws is logged
     * @throws KernelException the process may not have a userfaultfd; the message names the remedy
     */
    public ExternalPager(Path handler, Duration deadline, Consumer<HandlerEvent> events) {
        if (deadline.toMillis() < 4 * SHORTEST_LOOK_MILLIS) {
            throw new IllegalArgumentException("a deadline of " + deadline + " is too short");
        }
        this.first = handler;
        this.deadline = deadline;
        this.events = Guarded.listener(events);
        Set<Feature> features = EnumSet.of(Feature.EVENT_REMOVE);
        features.retainAll(Userfaultfd.supportedFeatures());
        uffd = Userfaultfd.open(features);
        try {
            waits = new KernelWaits(uffd.fd());
            populator = new Populator();
            watcher =
                    Thread.ofPlatform()
                            .name("page-handler-watch")
                            .daemon()
                            .unstarted(this::watchOver);
            // Last: it has descriptors.
            watch = new HandlerWatch();
        } catch (RuntimeException | Error e) {
            uffd.close();
            throw e;
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>The handler's file holds all ranges, one behind the other by their guest-physical
     * addresses, without the gaps.
     *
     * @throws KernelException no handler listens, or none accepts a connection within {@link
     *     #CONNECTING}
     */
    @Override
    public void attach(List<GuestRange> ranges) {
        if (!memory.isEmpty() || closed) {
            throw new IllegalStateException("memory is attached once");
        }
        memory = ranges.stream().sorted(Comparator.comparingLong(GuestRange::gpa)).toList();
        for (GuestRange range : memory) {
            uffd.register(range.hva(), range.length(), Set.of(Tracking.MISSING));
        }
        handOver(first);
        watcher.start();
    }

    /** As {@link #handOver(Path, Duration)}, within {@link #CONNECTING}. */
    public void handOver(Path handler) {
        handOver(handler, CONNECTING);
    }

    /**
     * Hands the faults to another handler of the same memory, whether or not the one before is
     * lost; all that wait ask again. One that lives keeps its descriptor and its socket, and may
     * answer faults as before until it ends.
     *
     * @param within how long to wait while the handler accepts no connection
     * @throws KernelException no handler listens, or none accepts in time; the handler of before
     *     stays
     * @throws IllegalStateException no memory is attached, or the pager has released all waiters
     */
    public void handOver(Path handler, Duration within) {
        begin();
        int pid;
        try {
            HandlerLink made =
                    HandlerLink.handOver(handler, uffd, regions(), within, () -> !isLeaving());
            pid = made.pid();
            take(made);
        } finally {
            done();
        }
        events.accept(new HandlerEvent.Served(pid));
    }

    private boolean isLeaving() {
        return ended || Thread.currentThread().isInterrupted();
    }

    /** From here until {@link #done}, the userfaultfd stays open. */
    private synchronized void begin() {
        if (memory.isEmpty() || ended) {
            throw new IllegalStateException("there is nothing to hand over");
        }
        handingOver++;
    }

    private synchronized void done() {
        handingOver--;
        notifyAll();
    }

    private synchronized void take(HandlerLink made) {
        if (ended) {
            made.leave();
            throw new IllegalStateException("the pager has ended meanwhile");
        }
        watch.take(made);
    }

    private List<HandlerRegion> regions() {
        List<HandlerRegion> regions = new ArrayList<>();
        long offset = 0;
        for (GuestRange range : memory) {
            regions.add(new HandlerRegion(range.hva(), range.length(), offset, PAGE));
            offset += range.length();
        }
        return regions;
    }

    /** The handler's process; 0 if there is none at the moment, or it is not seen from here. */
    public int handler() {
        return watch.pid();
    }

    // Without this thread no event would ever come again.
    @SuppressWarnings("CatchingUnchecked")
    private void watchOver() {
        int look = Math.clamp(deadline.toMillis() / 4, SHORTEST_LOOK_MILLIS, LONGEST_LOOK_MILLIS);
        while (!closed) {
            try {
                HandlerEvent event = watch.await(look);
                if (event != null) {
                    events.accept(event);
                }
                if (!ended) {
                    waits.look(System.nanoTime(), deadline.toNanos(), this::overdue);
                }
            } catch (RuntimeException | Error e) {
                // Such as memory or descriptors that have run out.
                LOG.warn("watching over a page-fault handler", e);
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private void overdue(int threadId, long waitedNanos) {
        events.accept(new HandlerEvent.Overdue(threadId, Duration.ofNanos(waitedNanos)));
    }

    @Override
    public boolean isWaiting(int threadId) {
        return !ended && waits.isWaiting(threadId, System.nanoTime());
    }

    /** Never: the handler brings pages without telling this side. */
    @Override
    public boolean allPresent() {
        return memory.isEmpty();
    }

    @Override
    public void populate(long gpa, long length, Duration limit) {
        long until = System.nanoTime() + limit.toNanos();
        long end = gpa + length;
        for (long at = gpa & -PAGE; at < end; ) {
            GuestRange range = range(at);
            long bytes = (Math.min(end, range.endGpa()) - at + PAGE - 1) & -PAGE;
            populate(at, range.hva() + at - range.gpa(), bytes, until);
            at += bytes;
        }
    }

    @Override
    public boolean isPresent(long gpa, long length) {
        long first = gpa & -PAGE;
        for (GuestRange range : memory) {
            if (gpa >= range.gpa() && gpa + length <= range.endGpa()) {
                long bytes = (gpa + length - first + PAGE - 1) & -PAGE;
                return Residency.isResident(range.hva() + first - range.gpa(), bytes);
            }
        }
        return memory.isEmpty();
    }

    private GuestRange range(long gpa) {
        for (GuestRange range : memory) {
            if (gpa >= range.gpa() && gpa < range.endGpa()) {
                return range;
            }
        }
        throw new PagingException(
                PagingException.Reason.UNKNOWN, gpa, "it is not in the pager's care");
    }

    private void populate(long gpa, long hva, long bytes, long until) {
        if (Residency.isResident(hva, bytes)) {
            return;
        }
        try {
            int result = ended ? 0 : populator.populate(hva, bytes, until - System.nanoTime());
            if (ended) {
                throw new PagingException(
                        PagingException.Reason.ENDED, gpa, "the pager has let everybody go");
            }
            if (result < 0) {
                throw new PagingException(
                        PagingException.Reason.LOST,
                        gpa,
                        "its handler has marked it as broken (%s)".formatted(Errno.of(result)));
            }
        } catch (TimeoutException e) {
            throw new PagingException(
                    PagingException.Reason.OVERDUE,
                    gpa,
                    handler() == 0 ? "its handler is lost" : "its handler has not brought it");
        }
    }

    @Override
    public void letGo() {
        List<GuestRange> ranges;
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
            ranges = memory;
        }
        for (GuestRange range : ranges) {
            uffd.unregister(range.hva(), range.length());
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        letGo();
        watch.wake();
        boolean interrupted = awaitHandOvers();
        while (watcher.isAlive()) {
            try {
                watcher.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        watch.close();
        populator.close();
        uffd.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until no thread connects to a handler; whether it was interrupted meanwhile. */
    private synchronized boolean awaitHandOvers() {
        boolean interrupted = false;
        while (handingOver > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        return interrupted;
    }
}
