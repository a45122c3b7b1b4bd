// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.handler;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.FaultMessage;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.UffdConstants;
import io.jvmm.ffi.uffd.Userfaultfd;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** The faults of one machine, and the file that they are answered from. */
final class FileFaults {

    private static final int BATCH = 64;
    // How long a fault rests whose range is changing, when no message about the change is there.
    private static final int RETRY_MILLIS = 1;
    // How long one rests whose page the file does not give.
    private static final int UNREADABLE_MILLIS = 200;
    private static final long TELLING_NANOS = 1_000_000_000L;

    private static final long FAULTS = 0;
    private static final long OVER = 1;

    private final Handover machine;
    private final Fd file;
    private final FaultMessages messages = new FaultMessages(BATCH);
    private final Deque<Long> faults = new ArrayDeque<>();
    private final Map<HandlerRegion, BitSet> removed = new HashMap<>();
    private final Consumer<String> unreadable;
    private long copied;
    private boolean isUnreadable;
    private boolean isTold;
    private long toldAt;
    private volatile boolean isOver;

    /**
     * @param unreadable is told, at most once a second, why the file does not give a page; it is
     *     read again until it does
     * @throws HandlerException if the file ends before the regions do
     */
    FileFaults(Handover machine, Fd file, Consumer<String> unreadable) {
        this.machine = machine;
        this.unreadable = unreadable;
        this.file = file;
        long bytes = file.sizeBytes();
        for (HandlerRegion region : machine.regions()) {
            if (region.size() > bytes - region.offset()) {
                throw new HandlerException(
                        "the machine has 0x%x bytes at 0x%x of the file, which has 0x%x"
                                .formatted(region.size(), region.offset(), bytes));
            }
            removed.put(region, new BitSet());
        }
    }

    /** The bytes that were put in place; once {@link #serve} has returned. */
    long copied() {
        return copied;
    }

    /** Has {@link #serve} return once it does not wait in a system call; for any thread. */
    void end() {
        isOver = true;
    }

    /**
     * Whether the kernel still knows one of the regions as the machine's, and its process. Changes
     * nothing in memory that lacks a page; maps one that its file has already. For any thread.
     */
    boolean areExpected() {
        for (HandlerRegion region : machine.regions()) {
            long result = machine.uffd().tryContinue(region.address(), region.pageSize(), 0);
            if (Errno.ESRCH.is(result)) {
                return false;
            }
            if (!Errno.ENOENT.is(result)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Answers faults until the machine's process has ended, or {@link #end} was called.
     *
     * @param over readable once {@link #end} was called
     */
    void serve(Fd over) {
        long largest =
                machine.regions().stream().mapToLong(HandlerRegion::pageSize).max().orElseThrow();
        machine.uffd().setNonBlocking(true);
        try (Mapping page = Mapping.anonymous(largest);
                Epoll epoll = Epoll.create(2)) {
            epoll.add(machine.uffd().fd(), Epoll.EPOLLIN, FAULTS);
            epoll.add(over, Epoll.EPOLLIN, OVER);
            boolean isServing = true;
            while (isServing && !isOver) {
                awaitFaults(epoll);
                isServing = isOver || answer(page);
            }
        }
    }

    private void awaitFaults(Epoll epoll) {
        int rest = isUnreadable ? UNREADABLE_MILLIS : RETRY_MILLIS;
        int count = epoll.await(faults.isEmpty() ? -1 : rest);
        for (int i = 0; i < count && !isOver; i++) {
            if (epoll.data(i) == FAULTS) {
                if ((epoll.events(i) & Epoll.EPOLLERR) != 0) {
                    // The kernel polls no userfaultfd that blocks, and the machine has made it so.
                    machine.uffd().setNonBlocking(true);
                }
                if ((epoll.events(i) & Epoll.EPOLLIN) != 0) {
                    read();
                }
            }
        }
    }

    /** Takes in the messages that there are. Once: a second read could block for ever. */
    private void read() {
        int count = machine.uffd().tryRead(messages);
        if (count < 0 && !Errno.EAGAIN.is(count) && !Errno.EINTR.is(count)) {
            throw new KernelException("read userfaultfd", Errno.of(count));
        }
        for (int i = 0; i < count; i++) {
            take(messages.at(i));
        }
    }

    private void take(FaultMessage message) {
        switch (message.event()) {
            case UffdConstants.UFFD_EVENT_PAGEFAULT -> faults.add(message.address());
            case UffdConstants.UFFD_EVENT_REMOVE, UffdConstants.UFFD_EVENT_UNMAP ->
                    forget(message.removedStart(), message.removedEnd());
            default -> {
                if (message.event() == UffdConstants.UFFD_EVENT_FORK) {
                    message.takeForkedDescriptor().close();
                }
                throw new HandlerException(
                        "the machine has enabled event 0x"
                                + Integer.toHexString(message.event())
                                + ", which no handler is prepared for");
            }
        }
    }

    private void forget(long start, long end) {
        for (HandlerRegion region : machine.regions()) {
            long from = Math.max(start, region.address());
            long to = Math.min(end, region.address() + region.size());
            if (from < to) {
                removedOf(region).set(page(region, from), page(region, to - 1) + 1);
            }
        }
    }

    private BitSet removedOf(HandlerRegion region) {
        BitSet pages = removed.get(region);
        if (pages == null) {
            throw new IllegalStateException("not a region of this machine");
        }
        return pages;
    }

    private static int page(HandlerRegion region, long address) {
        return Math.toIntExact((address - region.address()) / region.pageSize());
    }

    /** Answers what can be answered. False when the machine has ended. */
    private boolean answer(Mapping page) {
        isUnreadable = false;
        for (int left = faults.size(); left > 0; left--) {
            long address = faults.remove();
            long result = fill(region(address), address, page);
            if (Errno.ESRCH.is(result)) {
                return false;
            }
            if (Errno.EAGAIN.is(result)) {
                // The range is changing, and the message about it decides what the page holds; or
                // the file is.
                faults.add(address);
            } else if (result < 0 && !Errno.EEXIST.is(result) && !Errno.ENOENT.is(result)) {
                throw new KernelException("UFFDIO_COPY", Errno.of(result));
            }
        }
        return true;
    }

    private HandlerRegion region(long address) {
        for (HandlerRegion region : machine.regions()) {
            if (region.contains(address)) {
                return region;
            }
        }
        throw new HandlerException(
                "a fault outside of all regions: 0x" + Long.toHexString(address));
    }

    private long fill(HandlerRegion region, long fault, Mapping page) {
        long address = fault & -region.pageSize();
        long size = region.pageSize();
        if (removedOf(region).get(page(region, address))) {
            page.segment().asSlice(0, size).fill((byte) 0);
        } else if (!read(region.offset() + address - region.address(), page, size)) {
            return -Errno.EAGAIN.number();
        }
        Userfaultfd uffd = machine.uffd();
        long result = 0;
        for (long done = 0; done < size; done += result) {
            result = uffd.tryCopy(address + done, page.segment(), done, size - done, 0);
            if (result <= 0) {
                break;
            }
            copied += result;
        }
        if (Errno.EEXIST.is(result)) {
            // Another thread was quicker, and may have left the waking to this one.
            int _ = uffd.tryWake(address, size);
        }
        return result;
    }

    private boolean read(long offset, Mapping page, long size) {
        for (long done = 0; done < size; ) {
            long result = file.tryRead(page.segment().asSlice(done, size - done), offset + done);
            if (result > 0) {
                done += result;
            } else if (!Errno.EINTR.is(result)) {
                tellUnreadable(
                        result == 0
                                ? file.name() + " ends before the memory it backs"
                                : "read %s: %s".formatted(file.name(), Errno.of(result)));
                return false;
            }
        }
        return true;
    }

    private void tellUnreadable(String why) {
        isUnreadable = true;
        long now = System.nanoTime();
        if (!isTold || now - toldAt >= TELLING_NANOS) {
            isTold = true;
            toldAt = now;
            unreadable.accept(why);
        }
    }
}
