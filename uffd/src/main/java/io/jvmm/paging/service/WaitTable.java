// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

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
 * <p>Who waits for a page that the reader brings before it reads on stands beside the table, in
 * {@link #ofRead}. If that takes long after all, the clock puts the wait into the table.
 *
 * <p>LOCKS: what touches the table is synchronized, and calls nothing that locks or waits; {@link
 * #served} and {@link #passes} touch it only if they must. It grows to the number of threads that
 * wait at a time; beyond that nothing is allocated.
 */
final class WaitTable {

    /** What the clock does about an overdue wait. */
    interface Overdue {
        /** Whether to tell it again after another deadline. */
        boolean tell(int threadId, int page, long waitedNanos);
    }

    private static final int CAPACITY = 1024;
    private static final int FIRST_CAPACITY = 16;
    private static final long NEVER = Long.MAX_VALUE;

    /** Who is being served beside the table. */
    final ReadWaits ofRead = new ReadWaits();

    private final StallRecorder stalls;
    private final IntPredicate present;
    private int[] threads = new int[FIRST_CAPACITY];
    private int[] pages = new int[FIRST_CAPACITY];
    private long[] since = new long[FIRST_CAPACITY];
    private long[] tellAt = new long[FIRST_CAPACITY];
    private boolean[] stuck = new boolean[FIRST_CAPACITY];
    // Written with the lock.
    private volatile int used;

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
        boolean isNew = put(threadId, page, now, now + deadlineNanos, isStuck);
        // Who has brought it may have found the table empty, without the lock.
        if (isNew && present.test(page)) {
            leaves(threadId);
        }
    }

    private boolean put(int threadId, int page, long now, long tell, boolean isStuck) {
        int at = indexOf(threadId);
        if (at < 0) {
            if (used == CAPACITY) {
                return false;
            }
            at = used;
            if (at == threads.length) {
                grow();
            }
            used = at + 1;
        } else if (pages[at] == page) {
            return false;
        } else {
            // Its page may have come a moment ago, and nobody would find the wait any more.
            stalls.record(threadId, now - since[at]);
        }
        threads[at] = threadId;
        stuck[at] = isStuck;
        pages[at] = page;
        since[at] = now;
        tellAt[at] = tell;
        return true;
    }

    private void grow() {
        int capacity = Math.min(2 * threads.length, CAPACITY);
        threads = Arrays.copyOf(threads, capacity);
        pages = Arrays.copyOf(pages, capacity);
        since = Arrays.copyOf(since, capacity);
        tellAt = Arrays.copyOf(tellAt, capacity);
        stuck = Arrays.copyOf(stuck, capacity);
    }

    /** The next page of the read is in place. The reader's. */
    void served(int page, long now) {
        int index = ofRead.takeNext();
        if (index != ReadWaits.NONE) {
            stalls.record(ofRead.threadId(index), now - ofRead.since());
        }
        if (index == ReadWaits.NONE || !isEmpty()) {
            arrived(page, 1, now);
        }
    }

    /** The next wait of the read goes on in the table, until {@link #arrived}. The reader's. */
    synchronized void remains() {
        putOfRead(ofRead.takeNext());
    }

    private void putOfRead(int index) {
        if (index != ReadWaits.NONE) {
            int threadId = ofRead.threadId(index);
            put(threadId, ofRead.page(index), ofRead.since(), ofRead.tellAt(), true);
        }
    }

    /** The next wait of the read is none any more, or is told of as another. The reader's. */
    void passes(int threadId) {
        if (ofRead.takeNext() == ReadWaits.NONE) {
            leaves(threadId);
        }
    }

    /** Whether the table is empty. */
    boolean isEmpty() {
        return used == 0;
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
        int last = used - 1;
        threads[at] = threads[last];
        stuck[at] = stuck[last];
        pages[at] = pages[last];
        since[at] = since[last];
        tellAt[at] = tellAt[last];
        used = last;
    }

    /** Whether it waits where it cannot be called away, as far as is known. */
    synchronized boolean isStuck(int threadId) {
        int at = indexOf(threadId);
        return at >= 0 ? stuck[at] : ofRead.contains(threadId);
    }

    /** How many wait. */
    synchronized int size() {
        return used + ofRead.left();
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
            if (now - ofRead.tellAt() >= 0) {
                putRestOfRead();
            }
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

    private void putRestOfRead() {
        int taken = ofRead.takeRest();
        // Not before: it changes with each read, until what is left of one is taken.
        int count = ofRead.count();
        for (int index = count - taken; index < count; index++) {
            putOfRead(index);
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
