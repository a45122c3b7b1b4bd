package io.jvmm.paging;

import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * Who waits for which page since when, and how long the waits were. One per shard. Filled by its
 * reader, emptied by whoever puts pages in place.
 *
 * <p>A thread waits for one page at a time. One that a signal took away without its page stays in
 * the table until the page is there, or it is told waiting for another, or {@link #leaves}.
 *
 * <p>Messages come late, and twice: a kernel thread that spins in an access of its own asks for its
 * page again and again, and some of that is read when the page has come. Who is told waiting for a
 * page that is there does not wait.
 *
 * <p>LOCKS: the methods are synchronized and call nothing that locks or waits. Nothing is allocated
 * once each thread was seen.
 */
final class WaitTable {

    /** What the clock does about an overdue wait. */
    interface Overdue {
        /** Whether to tell it again after another deadline. */
        boolean tell(int threadId, int page, long waitedNanos);
    }

    private static final int CAPACITY = 1024;
    private static final long NEVER = Long.MAX_VALUE;

    private final int[] threads = new int[CAPACITY];
    private final int[] pages = new int[CAPACITY];
    private final long[] since = new long[CAPACITY];
    private final long[] tellAt = new long[CAPACITY];
    private final boolean[] stuck = new boolean[CAPACITY];
    private final StallRecorder stalls;
    private final IntPredicate present;
    private int used;

    /**
     * @param present which pages are there; one that comes is so before {@link #arrived} is called
     */
    WaitTable(StallRecorder stalls, IntPredicate present) {
        this.stalls = stalls;
        this.present = present;
    }

    /** A thread waits in the kernel. If the table is full, it is served but not accounted for. */
    void waits(int threadId, int page, long now, long deadlineNanos) {
        waits(threadId, page, now, deadlineNanos, true);
    }

    /**
     * A thread waits.
     *
     * @param isStuck whether it cannot be called away
     */
    synchronized void waits(int threadId, int page, long now, long deadlineNanos, boolean isStuck) {
        if (present.test(page)) {
            return;
        }
        int at = indexOf(threadId);
        if (at < 0) {
            if (used == CAPACITY) {
                return;
            }
            at = used++;
        } else if (pages[at] == page) {
            return;
        }
        threads[at] = threadId;
        stuck[at] = isStuck;
        pages[at] = page;
        since[at] = now;
        tellAt[at] = now + deadlineNanos;
    }

    /** Pages are in place: the waits for them are over. */
    synchronized void arrived(int first, int count, long now) {
        for (int at = used - 1; at >= 0; at--) {
            int page = pages[at] - first;
            if (page >= 0 && page < count) {
                stalls.record(threads[at], now - since[at]);
                remove(at);
            }
        }
    }

    /** A thread waits no longer, without its page. */
    synchronized void leaves(int threadId) {
        int at = indexOf(threadId);
        if (at >= 0) {
            remove(at);
        }
    }

    private void remove(int at) {
        used--;
        threads[at] = threads[used];
        stuck[at] = stuck[used];
        pages[at] = pages[used];
        since[at] = since[used];
        tellAt[at] = tellAt[used];
    }

    /** Whether it waits where it cannot be called away, as far as is known. */
    synchronized boolean isStuck(int threadId) {
        int at = indexOf(threadId);
        return at >= 0 && stuck[at];
    }

    /** How many wait. */
    synchronized int size() {
        return used;
    }

    private int indexOf(int threadId) {
        for (int at = 0; at < used; at++) {
            if (threads[at] == threadId) {
                return at;
            }
        }
        return -1;
    }

    /** Tells of waits that are overdue; outside the lock, for the listener may take its time. */
    void tellOverdue(long now, long deadlineNanos, Overdue listener) {
        int[] late = null;
        synchronized (this) {
            for (int at = 0; at < used; at++) {
                if (tellAt[at] != NEVER && now - tellAt[at] >= 0) {
                    late = late == null ? new int[1] : Arrays.copyOf(late, late.length + 1);
                    late[late.length - 1] = threads[at];
                }
            }
        }
        if (late == null) {
            return;
        }
        for (int threadId : late) {
            tell(threadId, now, deadlineNanos, listener);
        }
    }

    private void tell(int threadId, long now, long deadlineNanos, Overdue listener) {
        int page;
        long waited;
        synchronized (this) {
            int at = indexOf(threadId);
            if (at < 0) {
                return;
            }
            page = pages[at];
            waited = now - since[at];
        }
        boolean again = listener.tell(threadId, page, waited);
        synchronized (this) {
            int at = indexOf(threadId);
            if (at >= 0 && pages[at] == page) {
                tellAt[at] = again ? now + deadlineNanos : NEVER;
            }
        }
    }
}
