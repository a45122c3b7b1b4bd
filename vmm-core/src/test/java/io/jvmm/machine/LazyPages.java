// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.guest.PayloadPages;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Guest memory that is all zero but for what {@code lazy} checks and for all above 4 GiB, where the
 * pattern of {@link PayloadPages} is. It can be held back, as by a network that is down.
 */
final class LazyPages implements PageSource {

    static final long CHECKED = 32L << 20;
    static final long CHECKED_END = 34L << 20;
    static final long HIGH = 4L << 30;

    private record Ask(PageRequest request, int first, int count) {}

    private final byte[] low;
    private final boolean synchronous;
    private final List<Ask> held = new ArrayList<>();
    private boolean holding;
    private boolean closed;

    private LazyPages(byte[] low, boolean synchronous, boolean holding) {
        this.low = low;
        this.synchronous = synchronous;
        this.holding = holding;
    }

    /** Answers at once. */
    static LazyPages local() {
        return above(new byte[0]);
    }

    /** Answers nothing that matters until {@link #release}. */
    static LazyPages heldBack() {
        return heldBackAbove(new byte[0]);
    }

    /** Answers at once; has something else from address 0 on, such as the guest's code. */
    static LazyPages above(byte[] low) {
        return new LazyPages(low, true, false);
    }

    /** As {@link #above}, and as {@link #heldBack}. */
    static LazyPages heldBackAbove(byte[] low) {
        return new LazyPages(low, false, true);
    }

    static boolean hasPattern(long gpa) {
        return (gpa >= CHECKED && gpa < CHECKED_END) || gpa >= HIGH;
    }

    /** Waits until somebody wants a page that is held back. */
    synchronized void awaitHeld() throws InterruptedException {
        while (held.isEmpty()) {
            wait();
        }
    }

    /** Answers everything, now and from now on. */
    void release() {
        List<Ask> asks;
        synchronized (this) {
            holding = false;
            asks = List.copyOf(held);
            held.clear();
        }
        asks.forEach(ask -> answer(ask.request, ask.first, ask.count));
    }

    synchronized boolean isClosed() {
        return closed;
    }

    @Override
    public boolean isSynchronous() {
        return synchronous;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        synchronized (this) {
            boolean matters =
                    hasPattern(request.gpa() + (long) first * PayloadPages.PAGE_SIZE)
                            || hasPattern(
                                    request.gpa() + (first + count - 1L) * PayloadPages.PAGE_SIZE);
            if (holding && matters && !closed) {
                held.add(new Ask(request, first, count));
                notifyAll();
                return;
            }
        }
        answer(request, first, count);
    }

    private void answer(PageRequest request, int first, int count) {
        for (int page = first; page < first + count; page++) {
            long gpa = request.gpa() + (long) page * PayloadPages.PAGE_SIZE;
            long at = request.offset() + (long) page * PayloadPages.PAGE_SIZE;
            if (gpa < low.length) {
                MemorySegment.copy(
                        low, (int) gpa, request.memory(), JAVA_BYTE, at, PayloadPages.PAGE_SIZE);
                request.filled(page, 1);
            } else if (hasPattern(gpa)) {
                PayloadPages.fill(
                        request.memory()
                                .asSlice(at, PayloadPages.PAGE_SIZE)
                                .fill((byte) 0)
                                .asByteBuffer(),
                        gpa);
                request.filled(page, 1);
            } else {
                request.zero(page, 1);
            }
        }
    }

    @Override
    public void close() {
        List<Ask> asks;
        synchronized (this) {
            closed = true;
            asks = List.copyOf(held);
            held.clear();
        }
        asks.forEach(ask -> ask.request.failed(ask.first, ask.count, PageFailure.LOST));
    }
}
