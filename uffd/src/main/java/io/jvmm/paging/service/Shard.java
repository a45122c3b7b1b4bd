// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.FaultMessage;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.PageFiller;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.UffdConstants;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A piece of guest memory with a userfaultfd of its own, and the thread that reads its messages.
 * Several shards keep waiting threads from queueing up at one lock of the kernel.
 *
 * <p>The reader waits in {@code read(2)}, all its life. To end it, {@link #close} touches a page
 * that only the shard knows: the doorbell, on a thread of its own, since that waits for the reader.
 * Where faults make no messages, it drops that page instead.
 */
final class Shard implements AutoCloseable {

    /** What the reader does with messages. */
    interface Handler {
        /**
         * Serves all that one read has brought, if it can in the short way.
         *
         * @return false if nothing was done
         */
        boolean quick(Shard shard, FaultMessages messages, int count, long now);

        /** A thread waits. */
        void fault(Shard shard, long address, int threadId, long now);

        /**
         * All messages of one read were passed on; now the same faults again, to be served.
         *
         * @param more whether others follow
         */
        void serve(Shard shard, long address, boolean more);

        /** Pages are being dropped, or are no longer mapped here. */
        void removed(long start, long end, boolean unmapped);

        /** What a message led to has failed; it is tried again. Never throws. */
        void broken(Throwable cause);

        /** The reader ends, and no message is read any more. Never throws, allocates nothing. */
        void died();
    }

    private static final int BATCH = ReadWaits.CAPACITY;
    private static final int PIECE = 16;
    private static final long NONE = -1;
    private static final long AFTER_FAILURE_NANOS = 10_000_000;
    private static final long PAGE = PageRequest.PAGE_BYTES;

    final Userfaultfd uffd;
    // The reader's.
    final PageFiller filler;
    final WaitTable waits;
    // What the short way counts: faults whose page nobody else fetched, and pages put in place. The
    // reader counts, others look: that costs less than counters that all readers share.
    final AtomicLong empty = new AtomicLong();
    final AtomicLong brought = new AtomicLong();
    private final int number;
    private final GuestRange part;
    private final boolean silent;
    private final Handler handler;
    private final Mapping doorbell;
    private final FaultMessages messages;
    // Of the faults of one read, in their order; NONE for other messages. Reader's.
    private final long[] faults = new long[BATCH];
    private final Thread reader;
    // Where parts of the shard were moved to: pairs of address and length. Reader's, then closer's.
    private final List<long[]> moved = new ArrayList<>();
    private final Thread ringer;
    private boolean rung;
    private volatile boolean ending;
    private boolean letGo;

    /** Registers the memory and begins to read. */
    Shard(
            int number,
            GuestRange part,
            Registration registration,
            WaitTable waits,
            Handler handler) {
        this.number = number;
        this.part = part;
        this.silent = registration.features().contains(Feature.SIGBUS);
        this.waits = waits;
        this.handler = handler;
        doorbell = Mapping.anonymous(PAGE);
        Userfaultfd opened = null;
        try {
            messages = new FaultMessages(BATCH);
            reader =
                    Thread.ofPlatform()
                            .daemon()
                            .name("paging-reader-" + number)
                            .unstarted(this::read);
            ringer =
                    Thread.ofPlatform()
                            .daemon()
                            .name("paging-bell-" + number)
                            .unstarted(this::ring);
            opened = Userfaultfd.open(registration.features());
            filler = opened.pageFiller();
            opened.register(part.hva(), part.length(), registration.tracking());
            opened.register(doorbell.address(), PAGE, Set.of(Tracking.MISSING));
            uffd = opened;
        } catch (RuntimeException | Error e) {
            if (opened != null) {
                opened.close();
            }
            doorbell.close();
            throw e;
        }
    }

    /** Counts one more, for the reader. */
    static void count(AtomicLong counter) {
        counter.setRelease(counter.getPlain() + 1);
    }

    /** Begins to read messages. */
    void begin() {
        reader.start();
    }

    /** Marks all pages that are not there. */
    void mark() {
        for (long at = part.hva(); at < part.endHva(); ) {
            long done =
                    uffd.tryPoison(
                            at, part.endHva() - at, UffdConstants.UFFDIO_POISON_MODE_DONTWAKE);
            if (done <= 0 && !Errno.EEXIST.is(done)) {
                throw new KernelException("UFFDIO_POISON", Errno.of(done));
            }
            // What is there already stays.
            at += Math.max(done, PAGE);
        }
    }

    /**
     * A shard of the same memory, registered in another way. In between, nobody is told of faults.
     *
     * @param marked whether missing pages hold marks, which are taken away
     */
    Shard succeed(Registration registration, boolean marked, PageStates states) {
        letGo();
        if (marked) {
            unmark(states);
        }
        return new Shard(number, part, registration, waits, handler);
    }

    private void unmark(PageStates states) {
        int first = states.memory.ofHva(part.hva());
        int end = first + (int) (part.length() / PAGE);
        for (int page = states.map.nextMissing(first, end); page < end; ) {
            int next = page + 1;
            while (next < end && !states.map.isPresent(next)) {
                next++;
            }
            unmark(states.memory.hva(page), (next - page) * PAGE);
            page = states.map.nextMissing(next, end);
        }
    }

    private static void unmark(long address, long bytes) {
        // Of what is there without the service's knowledge nothing may be lost: page by page, only
        // marks. A page that can be read is none.
        for (long at = address; at < address + bytes; at += PAGE) {
            if (Mapping.tryAdviseAt(at, PAGE, Advice.POPULATE_READ) < 0) {
                KernelException.check(
                        "MADV_DONTNEED", Mapping.tryAdviseAt(at, PAGE, Advice.DONTNEED));
            }
        }
    }

    private void read() {
        try {
            boolean reads = true;
            while (reads && !ending) {
                reads = readPiece();
            }
        } finally {
            if (!ending) {
                handler.died();
            }
            // Lets the one go who rings, now or later.
            uffd.unregister(doorbell.address(), PAGE);
        }
    }

    // A method that returns is compiled soon; a loop without end is interpreted for very long. And
    // a read that may take more looks for more, which costs whoever waits alone: as long as faults
    // come one by one, only the first of a piece may.
    private boolean readPiece() {
        int limit = BATCH;
        for (int i = 0; i < PIECE && !ending; i++) {
            int count = uffd.tryRead(messages, limit);
            limit = count == 1 ? 1 : BATCH;
            if (count > 0) {
                pass(count);
            } else if (!Errno.EINTR.is(count) && !Errno.EAGAIN.is(count)) {
                handler.broken(new KernelException("read userfaultfd", Errno.of(count)));
                return false;
            }
        }
        return true;
    }

    // Errors too: what one read has brought is served, and the next is read.
    @SuppressWarnings("CatchingUnchecked")
    private void pass(int count) {
        long now = System.nanoTime();
        boolean served = false;
        try {
            served = handler.quick(this, messages, count, now);
        } catch (RuntimeException | Error e) {
            handler.broken(e);
        }
        if (!served) {
            passOneByOne(count, now);
        }
    }

    private void passOneByOne(int count, long now) {
        for (int i = 0; i < count; i++) {
            pass(i, now);
        }
        for (int i = 0; i < count && !ending; i++) {
            if (faults[i] != NONE) {
                serve(faults[i], i + 1 < count);
            }
        }
    }

    // What one message leads to must not keep the others from being heard: nobody else reads them.
    @SuppressWarnings("CatchingUnchecked")
    private void pass(int index, long now) {
        FaultMessage message = messages.at(index);
        faults[index] = message.isPageFault() ? message.address() : NONE;
        try {
            pass(message, now);
        } catch (RuntimeException | Error e) {
            askAgain(faults[index], e);
        }
    }

    @SuppressWarnings("CatchingUnchecked")
    private void serve(long address, boolean more) {
        try {
            handler.serve(this, address, more);
        } catch (RuntimeException | Error e) {
            askAgain(address, e);
        }
    }

    // The thread that is woken finds its page missing still, and its fault is told anew.
    private void askAgain(long address, Throwable cause) {
        handler.broken(cause);
        if (address != NONE) {
            LockSupport.parkNanos(this, AFTER_FAILURE_NANOS);
            wake(address & -PAGE);
        }
    }

    private void pass(FaultMessage message, long now) {
        switch (message.event()) {
            case UffdConstants.UFFD_EVENT_PAGEFAULT -> {
                if (message.address() == doorbell.address()) {
                    ending = true;
                } else {
                    handler.fault(this, message.address(), message.threadId(), now);
                }
            }
            case UffdConstants.UFFD_EVENT_REMOVE -> {
                if (message.removedStart() == doorbell.address()) {
                    ending = true;
                } else {
                    handler.removed(message.removedStart(), message.removedEnd(), false);
                }
            }
            case UffdConstants.UFFD_EVENT_UNMAP ->
                    handler.removed(message.removedStart(), message.removedEnd(), true);
            case UffdConstants.UFFD_EVENT_REMAP -> {
                long from = message.remapFrom();
                synchronized (moved) {
                    moved.add(new long[] {message.remapTo(), message.remapLength()});
                }
                handler.removed(from, from + message.remapLength(), true);
            }
            default -> {
                // Forks are not asked for, and what is newer than this class is not, either.
            }
        }
    }

    /** Wakes who waits for a page, to look again. */
    void wake(long address) {
        uffd.tryWake(address, PAGE);
    }

    /** Lets all go who wait, for good. */
    synchronized void letGo() {
        if (letGo) {
            return;
        }
        letGo = true;
        unregister(part.hva(), part.length());
        synchronized (moved) {
            for (long[] range : moved) {
                unregister(range[0], range[1]);
            }
        }
    }

    private void unregister(long address, long bytes) {
        try {
            uffd.unregister(address, bytes);
        } catch (KernelException unmapped) {
            // Nobody can wait in what is mapped no more; but parts may be.
            unregisterPieces(address, bytes);
        }
    }

    private void unregisterPieces(long address, long bytes) {
        for (long at = address; at < address + bytes; at += Mapping.HUGE_PAGE_BYTES) {
            try {
                uffd.unregister(at, Math.min(Mapping.HUGE_PAGE_BYTES, address + bytes - at));
            } catch (KernelException ignored) {
                // This one is not mapped.
            }
        }
    }

    /** Lets all go, and ends the reader, unless that takes longer; whether it has ended. */
    boolean end(long until) {
        letGo();
        if (reader.isAlive() && !rung) {
            rung = true;
            try {
                ringer.start();
            } catch (OutOfMemoryError _) {
                // No further thread can be had.
                ring();
            }
        }
        // The reader frees the doorbell as the last thing it does.
        return Joining.join(reader, until) && Joining.join(ringer, until);
    }

    /** Returns when the reader has heard it; it may be busy in the source, for any time. */
    private void ring() {
        long _ = doorbell.tryAdvise(silent ? Advice.DONTNEED : Advice.POPULATE_READ, 0, PAGE);
    }

    /** Ends it and closes the userfaultfd, which nobody may use any more. */
    @Override
    public void close() {
        boolean _ = end(System.nanoTime() + Long.MAX_VALUE / 2);
        uffd.close();
        doorbell.close();
    }
}
