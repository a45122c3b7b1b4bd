// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.FaultMessage;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.guest.PayloadPages;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.Pager;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * A pager that holds back the pages that {@code lazy} checks, as a network that is down would,
 * until it is told to serve them: then with the pattern that belongs there. All other pages are
 * zero and come at once.
 */
public final class HoldingPager implements Pager {

    /** First guest-physical address that is held back. */
    public static final long HELD = 32L << 20;

    /** First guest-physical address that is not. */
    public static final long HELD_END = 34L << 20;

    private static final long PAGE = PayloadPages.PAGE_SIZE;
    private static final int FAULT = 1;
    private static final int WAKE = 2;

    private final Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID));
    private final EventFd wake = EventFd.create();
    private final Epoll epoll = Epoll.create(4);
    private final Mapping staging = Mapping.anonymous(PAGE);
    private final Map<Integer, Long> waiting = new ConcurrentHashMap<>();
    private final CountDownLatch held = new CountDownLatch(1);
    private final Thread server;
    private volatile List<GuestRange> memory = List.of();
    private volatile boolean serving;
    private volatile boolean stubborn;
    private volatile boolean closed;

    public HoldingPager() {
        uffd.setNonBlocking(true);
        epoll.add(uffd.fd(), Epoll.EPOLLIN, FAULT);
        epoll.add(wake.fd(), Epoll.EPOLLIN, WAKE);
        server = Thread.ofPlatform().name("holding-pager").daemon(true).start(this::run);
    }

    /** Does not let go from now on, whatever it is told. */
    public HoldingPager stubborn() {
        stubborn = true;
        return this;
    }

    /** Waits until a thread waits for a page that is held back. */
    public void awaitHeld() throws InterruptedException {
        held.await();
    }

    /** Supplies everything from now on, also what is waited for already. */
    public void serve() {
        serving = true;
        wake.signal();
    }

    @Override
    public void attach(List<GuestRange> ranges) {
        memory = List.copyOf(ranges);
        for (GuestRange range : ranges) {
            uffd.register(range.hva(), range.length(), Set.of(Tracking.MISSING));
        }
    }

    @Override
    public boolean isWaiting(int threadId) {
        return waiting.containsKey(threadId);
    }

    @Override
    public void letGo() {
        if (!stubborn) {
            for (GuestRange range : memory) {
                uffd.unregister(range.hva(), range.length());
            }
            waiting.clear();
        }
    }

    private void run() {
        FaultMessages messages = new FaultMessages(16);
        while (!closed) {
            epoll.await(-1);
            wake.take();
            int count = uffd.tryRead(messages);
            for (int i = 0; i < count; i++) {
                accept(messages.at(i));
            }
            if (serving) {
                waiting.forEach((thread, address) -> {
                    waiting.remove(thread);
                    supply(address);
                });
            }
        }
    }

    private void accept(FaultMessage message) {
        if (!message.isPageFault()) {
            return;
        }
        long address = message.address();
        long gpa = gpaOf(address);
        if (gpa >= HELD && gpa < HELD_END && !serving) {
            waiting.put(message.threadId(), address);
            held.countDown();
        } else {
            supply(address);
        }
    }

    private void supply(long address) {
        long gpa = gpaOf(address);
        staging.segment().fill((byte) 0);
        if (gpa >= HELD && gpa < HELD_END) {
            PayloadPages.fill(staging.segment().asByteBuffer(), gpa);
        }
        long done = uffd.tryCopy(address, staging.segment(), 0, PAGE, 0);
        if (Errno.EEXIST.is(done)) {
            uffd.tryWake(address, PAGE);
        }
    }

    private long gpaOf(long address) {
        for (GuestRange range : memory) {
            if (address >= range.hva() && address < range.endHva()) {
                return range.gpa() + (address - range.hva());
            }
        }
        throw new AssertionError("a fault outside of guest memory");
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        wake.signal();
        try {
            server.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        uffd.close();
        epoll.close();
        wake.close();
        staging.close();
    }
}
