package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.PidFd;
import io.jvmm.ffi.linux.Residency;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.Pager;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.handler.HandlerEvent.Cause;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * Has the page faults of a machine served by another process, to which it hands the userfaultfd:
 * ours ({@code vmm page-server --handler}) or any that was written for Firecracker.
 *
 * <p><b>The handler's end</b> is noticed at once, by its process's descriptor and by its socket,
 * and told as {@link HandlerEvent.Lost}. The machine's own descriptor stays open, so nobody reads
 * zeros instead of a missing page: who waits, waits on, and answers a pause or a stop, until {@link
 * #handOver} names another handler of the same memory or the machine ends. A handler that neither
 * ends nor answers is told by {@link HandlerEvent.Overdue}.
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
    private static final long WAKE = 0;
    private static final long SOCKET = 1;
    private static final long PROCESS = 2;
    private static final int SHORTEST_LOOK_MILLIS = 10;
    private static final int LONGEST_LOOK_MILLIS = 1000;

    private final Path first;
    private final Duration deadline;
    private final Consumer<HandlerEvent> events;
    private final Userfaultfd uffd;
    private final KernelWaits waits;
    private final Populator populator = new Populator();
    private final Epoll epoll = Epoll.create(4);
    private final EventFd wake = EventFd.create();
    private final Thread watcher;
    private volatile List<GuestRange> memory = List.of();
    private volatile boolean ended;
    private volatile boolean closed;

    // Guarded by this.
    private @Nullable HandlerLink link;

    /**
     * A pager that hands over when it is attached.
     *
     * @param handler the socket at which the handler listens
     * @param deadline after how long a wait is overdue, 40 ms and more
     * @param events called from a thread of this object, and from {@link #handOver}; may call all
     *     but {@link #close}, which waits for that thread
     * @throws KernelException the process may not have a userfaultfd; the message names the remedy
     */
    public ExternalPager(Path handler, Duration deadline, Consumer<HandlerEvent> events) {
        if (deadline.toMillis() < 4 * SHORTEST_LOOK_MILLIS) {
            throw new IllegalArgumentException("a deadline of " + deadline + " is too short");
        }
        this.first = handler;
        this.deadline = deadline;
        this.events = events;
        Set<Feature> features = EnumSet.of(Feature.EVENT_REMOVE);
        features.retainAll(Userfaultfd.supportedFeatures());
        uffd = Userfaultfd.open(features);
        // A handler polls it, which a blocking one answers with an error.
        uffd.setNonBlocking(true);
        waits = new KernelWaits(uffd.fd());
        epoll.add(wake.fd(), Epoll.EPOLLIN, WAKE);
        watcher = Thread.ofPlatform().name("page-handler-watch").daemon().unstarted(this::watch);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The handler's file holds all ranges, one behind the other by their guest-physical
     * addresses, without the gaps.
     *
     * @throws KernelException if nobody listens
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

    /**
     * Hands the faults to another handler of the same memory, whether or not the one before is
     * lost; all that wait ask again. One that lives is told by its socket's end that its machine
     * has ended.
     *
     * @throws KernelException if nobody listens; the handler of before stays
     */
    public void handOver(Path handler) {
        int pid;
        synchronized (this) {
            if (memory.isEmpty() || ended) {
                throw new IllegalStateException("there is nothing to hand over");
            }
            HandlerLink made = HandlerLink.handOver(handler, uffd, regions());
            drop();
            link = made;
            epoll.add(made.socket(), Epoll.EPOLLIN | Epoll.EPOLLRDHUP, SOCKET);
            PidFd process = made.process();
            if (process != null) {
                epoll.add(process.fd(), Epoll.EPOLLIN, PROCESS);
            }
            pid = made.pid();
        }
        events.accept(new HandlerEvent.Served(pid));
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

    private void drop() {
        HandlerLink old = link;
        link = null;
        if (old != null) {
            epoll.remove(old.socket());
            PidFd process = old.process();
            if (process != null) {
                epoll.remove(process.fd());
            }
            old.close();
        }
    }

    /** The handler's process; 0 if there is none at the moment, or it is not seen from here. */
    public synchronized int handler() {
        return link == null ? 0 : link.pid();
    }

    private void watch() {
        int look = Math.clamp(deadline.toMillis() / 4, SHORTEST_LOOK_MILLIS, LONGEST_LOOK_MILLIS);
        while (!closed) {
            int count = epoll.await(look);
            for (int i = 0; i < count; i++) {
                if (epoll.data(i) != WAKE) {
                    lost();
                }
            }
            if (!ended) {
                waits.look(System.nanoTime(), deadline.toNanos(), this::overdue);
            }
        }
    }

    /** Something has happened to the handler, if it is not one of before. */
    private void lost() {
        HandlerEvent.Lost event;
        synchronized (this) {
            Cause cause = link == null ? null : link.end();
            if (link == null || cause == null) {
                return;
            }
            event = new HandlerEvent.Lost(link.pid(), cause);
            drop();
        }
        events.accept(event);
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
        wake.signal();
        boolean interrupted = false;
        while (watcher.isAlive()) {
            try {
                watcher.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        synchronized (this) {
            drop();
        }
        populator.close();
        uffd.close();
        epoll.close();
        wake.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
