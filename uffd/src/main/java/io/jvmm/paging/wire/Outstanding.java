package io.jvmm.paging.wire;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
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
    static final int SLOTS = 1024;

    private static final int SLOT_BITS = 10;
    private static final Priority[] PRIORITIES = Priority.values();

    private final PageLayout layout;
    private final PageBitmap delivered;
    private final Slot[] slots = new Slot[SLOTS];
    private final SlotQueue free = new SlotQueue();
    private final SlotQueue[] waiting = new SlotQueue[PRIORITIES.length];
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock.
    private List<Lane> lanes = List.of();
    private @Nullable PageFailure refusal;
    private boolean owesNews;
    private long lastId;

    /**
     * @param delivered which pages were delivered; set from here
     */
    Outstanding(PageLayout layout, PageBitmap delivered) {
        this.layout = layout;
        this.delivered = delivered;
        for (int i = 0; i < SLOTS; i++) {
            slots[i] = new Slot(i);
            free.add(slots[i]);
        }
        for (int i = 0; i < waiting.length; i++) {
            waiting[i] = new SlotQueue();
        }
    }

    private SlotQueue queue(Priority priority) {
        return switch (priority) {
            case URGENT -> waiting[0];
            case PREFETCH -> waiting[1];
            case SWEEP -> waiting[2];
        };
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
            owesNews |= failure == PageFailure.AWAY;
        } finally {
            lock.unlock();
        }
        if (failure != null) {
            request.failed(first, count, failure);
        } else {
            pump(priority);
        }
    }

    private @Nullable Slot add(PageRequest request, int first, int count, Priority priority) {
        Slot slot = free.poll();
        if (slot != null) {
            slot.request = request;
            slot.next = first;
            slot.end = first + count;
            slot.gpa = request.gpa() + (long) first * PageRequest.PAGE_BYTES;
            slot.priority = priority;
            queue(priority).add(slot);
        }
        return slot;
    }

    /** Has the connection with the least to do send one more, if it may. */
    private void pump(Priority priority) {
        Lane least = null;
        List<Lane> all = lanes();
        for (int i = 0; i < all.size(); i++) {
            Lane lane = all.get(i);
            if (lane.carries(priority) && (least == null || lane.inFlight() < least.inFlight())) {
                least = lane;
            }
        }
        if (least != null) {
            least.pump(1);
        }
    }

    /** Has every connection send what it may, in turns. */
    private static void pumpAll(List<Lane> all) {
        boolean isSending = true;
        while (isSending) {
            isSending = false;
            for (Lane lane : all) {
                isSending |= lane.pump(1);
            }
        }
    }

    private List<Lane> lanes() {
        lock.lock();
        try {
            return lanes;
        } finally {
            lock.unlock();
        }
    }

    /** Moves what waits, or is on its way by a slower connection, to the urgent one. */
    void hasten(PageRequest request) {
        lock.lock();
        try {
            for (Slot slot : slots) {
                if (slot.request != request || slot.priority == Priority.URGENT) {
                    continue;
                }
                if (slot.lane == null) {
                    queue(slot.priority).remove(slot);
                    slot.priority = Priority.URGENT;
                    queue(Priority.URGENT).add(slot);
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
        pumpAll(lanes());
    }

    /** Answers what has not begun to arrive as cancelled. */
    void cancel(PageRequest request) {
        Answers answers = new Answers();
        lock.lock();
        try {
            for (Slot slot : slots) {
                if (slot.request != request) {
                    continue;
                }
                if (slot.isReceiving) {
                    slot.isUnwanted = true;
                    continue;
                }
                answers.add(request, slot.next, slot.pages(), PageFailure.CANCELLED);
                if (slot.lane == null) {
                    queue(slot.priority).remove(slot);
                    release(slot);
                } else {
                    slot.abandon();
                }
            }
        } finally {
            lock.unlock();
        }
        pumpAll(lanes());
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
            if (lanes.contains(lane)) {
                for (Priority priority : PRIORITIES) {
                    Slot slot = lane.carries(priority) ? queue(priority).poll() : null;
                    if (slot != null) {
                        slot.id = ++lastId << SLOT_BITS | slot.index;
                        slot.lane = lane;
                        lane.ask(
                                slot.id, slot.gpa, slot.pages() * PageRequest.PAGE_BYTES, priority);
                        return true;
                    }
                }
            }
            return false;
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
            Slot slot = find(lane, id);
            if (gpa != slot.gpa
                    || length <= 0
                    || length % PageRequest.PAGE_BYTES != 0
                    || length / PageRequest.PAGE_BYTES > slot.pages()) {
                throw new WireException(
                        Refusal.UNREQUESTED,
                        "0x%x bytes at 0x%x for number %d, of which 0x%x at 0x%x are due"
                                .formatted(
                                        length,
                                        gpa,
                                        id,
                                        slot.pages() * (long) PageRequest.PAGE_BYTES,
                                        slot.gpa));
            }
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

    private Slot find(Lane lane, long id) {
        Slot slot = slots[(int) id & SLOTS - 1];
        if (slot.lane != lane || slot.id != id) {
            throw new WireException(Refusal.UNREQUESTED, "nothing was asked for by number " + id);
        }
        return slot;
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

    /** The server says that it cannot, or as it was told will not, send the rest. */
    void endWithout(Lane lane, long id, boolean asWished) {
        PageRequest request;
        int first;
        int count;
        lock.lock();
        try {
            Slot slot = find(lane, id);
            request = slot.request;
            first = slot.next;
            count = slot.pages();
            if (asWished && request != null) {
                throw new WireException(Refusal.UNREQUESTED, "number " + id + " was not cancelled");
            }
            settle(slot);
        } finally {
            lock.unlock();
        }
        if (request != null) {
            request.failed(first, count, PageFailure.LOST);
        }
    }

    /** A slot's answer from the server is complete. */
    private void settle(Slot slot) {
        if (slot.lane != null) {
            slot.lane.settled();
        }
        release(slot);
    }

    private void release(Slot slot) {
        slot.clear();
        free.add(slot);
    }

    /**
     * Takes in pages that the server pushes.
     *
     * @return the slot; null if there is none
     */
    @Nullable Slot push(Lane lane, PageRequest request) {
        lock.lock();
        try {
            Slot slot = free.poll();
            if (slot != null) {
                slot.request = request;
                slot.next = 0;
                slot.end = request.pages();
                slot.gpa = request.gpa();
                slot.priority = Priority.PREFETCH;
                slot.id = ++lastId << SLOT_BITS | slot.index;
                slot.lane = lane;
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
            lanes = List.copyOf(connected);
            refusal = null;
            owed = owesNews;
            owesNews = false;
        } finally {
            lock.unlock();
        }
        pumpAll(connected);
        return owed;
    }

    /** Whether a slot is free again after one was wanted in vain. Tells it once. */
    boolean takeNews() {
        lock.lock();
        try {
            boolean owed = owesNews && refusal == null && !lanes.isEmpty();
            owesNews &= !owed;
            return owed;
        } finally {
            lock.unlock();
        }
    }

    /** No connection sends or receives any more: what was on its way waits again. */
    void detach() {
        Answers answers = new Answers();
        lock.lock();
        try {
            lanes = List.of();
            for (Slot slot : slots) {
                if (slot.lane == null) {
                    continue;
                }
                PageRequest request = slot.request;
                if (request == null) {
                    release(slot);
                } else if (slot.isUnwanted) {
                    answers.add(request, slot.next, slot.pages(), PageFailure.CANCELLED);
                    release(slot);
                } else {
                    slot.lane = null;
                    slot.isReceiving = false;
                    slot.isPush = false;
                    queue(slot.priority).add(slot);
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
            owesNews |= failure == PageFailure.AWAY;
            for (SlotQueue queue : waiting) {
                for (Slot slot = queue.poll(); slot != null; slot = queue.poll()) {
                    PageRequest request = slot.request;
                    if (request != null) {
                        answers.add(request, slot.next, slot.pages(), failure);
                    }
                    release(slot);
                }
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
        List<String> used = new ArrayList<>();
        lock.lock();
        try {
            for (Slot slot : slots) {
                if (slot.lane != null || slot.request != null) {
                    used.add("%d: %d pages at 0x%x".formatted(slot.id, slot.pages(), slot.gpa));
                }
            }
        } finally {
            lock.unlock();
        }
        return used;
    }
}
