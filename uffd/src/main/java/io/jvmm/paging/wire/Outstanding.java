// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What was asked of this source and is not answered: waiting for a connection, on its way, or
 * arriving. It outlives connections; what one of them did not bring is asked for again on the next.
 *
 * <p>LOCKS: a lane's lock for sending, then this table's. No answer is given under either.
 */
final class Outstanding {

    /** How many runs of pages may be asked for at a time. */
    static final int SLOTS = SlotTable.SLOTS;

    // How long a page rests that the server could not read.
    private static final long UNREADABLE_NANOS = 500_000_000;

    private final PageLayout layout;
    private final PageBitmap delivered;
    private final SlotTable table = new SlotTable();
    private final WaitingSlots waiting = new WaitingSlots();
    private final Lanes lanes = new Lanes();
    private final OwedNews news = new OwedNews();
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private @Nullable PageFailure refusal;

    /**
     * @param delivered which pages were delivered; set from here
     */
    Outstanding(PageLayout layout, PageBitmap delivered) {
        this.layout = layout;
        this.delivered = delivered;
    }

    /** Takes a run of pages in and asks for it, or answers at once. */
    void fetch(PageRequest request, int first, int count) {
        PageFailure failure;
        // Read now: once the lock is free, the request may be answered and begin another life.
        Priority priority = request.priority();
        long gpa = request.gpa() + (long) first * PageRequest.PAGE_BYTES;
        lock.lock();
        try {
            failure =
                    layout.page(gpa, (long) count * PageRequest.PAGE_BYTES) < 0
                            ? PageFailure.LOST
                            : refusal;
            if (failure == null && add(request, first, count, priority) == null) {
                failure = PageFailure.AWAY;
            }
            if (failure == PageFailure.AWAY) {
                news.owe();
            }
        } finally {
            lock.unlock();
        }
        if (failure != null) {
            request.failed(first, count, failure);
        } else {
            lanes.pump(priority);
        }
    }

    private @Nullable Slot add(PageRequest request, int first, int count, Priority priority) {
        Slot slot = table.take();
        if (slot != null) {
            slot.take(request, first, count, priority);
            waiting.add(slot);
        }
        return slot;
    }

    /** Moves what waits, or is on its way by a slower connection, to the urgent one. */
    void hasten(PageRequest request) {
        lock.lock();
        try {
            for (Slot slot : table.all()) {
                if (slot.request != request || slot.priority == Priority.URGENT) {
                    continue;
                }
                if (slot.lane == null) {
                    waiting.hasten(slot);
                } else if (!slot.isReceiving
                        && !slot.isUnwanted
                        && !slot.lane.carries(Priority.URGENT)
                        && add(request, slot.next, slot.pages(), Priority.URGENT) != null) {
                    slot.abandon();
                }
            }
        } finally {
            lock.unlock();
        }
        lanes.pumpAll();
    }

    /** Answers what has not begun to arrive as cancelled. */
    void cancel(PageRequest request) {
        Answers answers = new Answers();
        lock.lock();
        try {
            for (Slot slot : table.all()) {
                if (slot.request != request) {
                    continue;
                }
                if (slot.isReceiving) {
                    slot.isUnwanted = true;
                    continue;
                }
                answers.add(request, slot.next, slot.pages(), PageFailure.CANCELLED);
                if (slot.lane == null) {
                    waiting.remove(slot);
                    table.release(slot);
                } else {
                    slot.abandon();
                }
            }
        } finally {
            lock.unlock();
        }
        lanes.pumpAll();
        answers.tell();
    }

    /**
     * Gives a connection the next run to ask for; it is on its way from here on. Called with the
     * lane's lock for sending, so that numbers rise on the wire.
     *
     * @return whether there is one
     */
    boolean next(Lane lane) {
        lock.lock();
        try {
            Slot slot = lanes.contains(lane) ? waiting.poll(lane) : null;
            if (slot == null) {
                return false;
            }
            table.send(slot, lane);
            lane.ask(slot.id, slot.gpa, slot.pages() * PageRequest.PAGE_BYTES, slot.priority);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Memory begins to arrive.
     *
     * @return for what was asked
     * @throws WireException {@code UNREQUESTED} if it is not what was asked for
     */
    Slot beginReceive(Lane lane, long id, long gpa, int length) {
        lock.lock();
        try {
            Slot slot = table.find(lane, id);
            slot.requireDue(gpa, length);
            return slot;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Who gets what arrives now; nobody takes the request's memory away until {@link #endReceive}.
     *
     * @return null if nobody wants it any more
     */
    @Nullable PageRequest receiver(Slot slot) {
        lock.lock();
        try {
            slot.isReceiving = slot.request != null;
            return slot.request;
        } finally {
            lock.unlock();
        }
    }

    /** Memory has arrived whole: answers for it. */
    void endReceive(Slot slot, int length, boolean isZero) {
        int count = length / PageRequest.PAGE_BYTES;
        int cancelled = 0;
        int first;
        PageRequest request;
        lock.lock();
        try {
            request = slot.request;
            first = slot.next;
            if (request != null) {
                delivered.set(layout.page(slot.gpa, length), count);
            }
            slot.next += count;
            slot.gpa += length;
            slot.isReceiving = false;
            if (slot.next == slot.end) {
                settle(slot);
            } else if (slot.isUnwanted) {
                cancelled = slot.pages();
                slot.abandon();
            }
        } finally {
            lock.unlock();
        }
        if (request != null) {
            if (cancelled > 0) {
                request.failed(first + count, cancelled, PageFailure.CANCELLED);
            }
            if (isZero) {
                request.zero(first, count);
            } else {
                request.filled(first, count);
            }
        }
    }

    /** The server says that it drops the rest, as it was told. */
    void endCancelled(Lane lane, long id) {
        lock.lock();
        try {
            Slot slot = table.find(lane, id);
            if (slot.request != null) {
                throw new WireException(Refusal.UNREQUESTED, "number " + id + " was not cancelled");
            }
            settle(slot);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The server says that it cannot send the rest.
     *
     * @param failure {@code AWAY} if it may be able to a little later
     */
    void endFailed(Lane lane, long id, PageFailure failure) {
        PageRequest request;
        int first;
        int count;
        lock.lock();
        try {
            Slot slot = table.find(lane, id);
            request = slot.request;
            first = slot.next;
            count = slot.pages();
            settle(slot);
            if (failure == PageFailure.AWAY) {
                news.owe(UNREADABLE_NANOS);
            }
        } finally {
            lock.unlock();
        }
        if (request != null) {
            request.failed(first, count, failure);
        }
    }

    /** A slot's answer from the server is complete. */
    private void settle(Slot slot) {
        if (slot.lane != null) {
            slot.lane.settled();
        }
        table.release(slot);
    }

    /**
     * Takes in pages that the server pushes.
     *
     * @return the slot; null if there is none
     */
    @Nullable Slot push(Lane lane, PageRequest request) {
        lock.lock();
        try {
            Slot slot = table.take();
            if (slot != null) {
                slot.take(request, 0, request.pages(), Priority.PREFETCH);
                table.send(slot, lane);
                slot.isPush = true;
                lane.pushBegun();
            }
            return slot;
        } finally {
            lock.unlock();
        }
    }

    /**
     * A session is open: sends what waits.
     *
     * @return whether somebody was told that the source is away, and would like to hear of this
     */
    boolean attach(List<Lane> connected) {
        boolean owed;
        lock.lock();
        try {
            lanes.set(connected);
            refusal = null;
            owed = news.take();
        } finally {
            lock.unlock();
        }
        lanes.pumpAll();
        return owed;
    }

    /**
     * Whether a requester that was told that pages are away may ask again: a slot is free, or the
     * server may be able to read by now. Tells it once.
     */
    boolean takeNews() {
        lock.lock();
        try {
            return refusal == null && !lanes.isEmpty() && news.take();
        } finally {
            lock.unlock();
        }
    }

    /** No connection sends or receives any more: what was on its way waits again. */
    void detach() {
        Answers answers = new Answers();
        lock.lock();
        try {
            lanes.set(List.of());
            for (Slot slot : table.all()) {
                if (slot.lane == null) {
                    continue;
                }
                PageRequest request = slot.request;
                if (request == null) {
                    table.release(slot);
                } else if (slot.isUnwanted) {
                    answers.add(request, slot.next, slot.pages(), PageFailure.CANCELLED);
                    table.release(slot);
                } else {
                    slot.returnToQueue();
                    waiting.add(slot);
                }
            }
        } finally {
            lock.unlock();
        }
        answers.tell();
    }

    /** Answers everything, and from here on everything at once. While no connection is there. */
    void refuse(PageFailure failure) {
        Answers answers = new Answers();
        lock.lock();
        try {
            refusal = failure;
            if (failure == PageFailure.AWAY) {
                news.owe();
            }
            for (Slot slot = waiting.poll(); slot != null; slot = waiting.poll()) {
                PageRequest request = slot.request;
                if (request != null) {
                    answers.add(request, slot.next, slot.pages(), failure);
                }
                table.release(slot);
            }
        } finally {
            lock.unlock();
        }
        answers.tell();
    }

    /** Requests are kept again, until there is a connection. */
    void readmit() {
        lock.lock();
        try {
            refusal = null;
        } finally {
            lock.unlock();
        }
    }

    /** Slots in use, for tests and messages. */
    List<String> inUse() {
        lock.lock();
        try {
            return table.inUse();
        } finally {
            lock.unlock();
        }
    }
}
