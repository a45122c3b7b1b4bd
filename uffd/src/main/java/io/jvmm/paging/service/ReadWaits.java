// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Who waits for the pages of one read, while the reader brings one after the other before it reads
 * on. Written by the reader, without locks; others look, and the clock may take what is left.
 */
final class ReadWaits {

    static final int CAPACITY = 64;

    /** Nothing was left. */
    static final int NONE = -1;

    private static final long LEFT = 0xFF;
    private static final int THREAD = 0;
    private static final int PAGE = 1;
    private static final int GPA = 2;
    private static final int HVA = 3;
    private static final int FIELDS = 4;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(ReadWaits.class, "state", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // All written by the reader, while nothing is left.
    private final long[] waits = new long[CAPACITY * FIELDS];
    private int count;
    private long since;
    private long tellAt;

    // How many of the waits are left, the last ones; above that, a number for each read. Whoever
    // lowers it has the waits that are no longer left.
    private volatile long state;

    /** A message of the read that is about to {@link #begin}. */
    void note(int index, int threadId, int page, long gpa, long hva) {
        int at = index * FIELDS;
        waits[at + THREAD] = threadId;
        waits[at + PAGE] = page;
        waits[at + GPA] = gpa;
        waits[at + HVA] = hva;
    }

    /** So many were noted, and begin to wait. */
    void begin(int noted, long now, long tell) {
        count = noted;
        since = now;
        tellAt = tell;
        STATE.setRelease(this, (state | LEFT) + 1 + noted);
    }

    int left() {
        return (int) (state & LEFT);
    }

    /** How many the read has brought. */
    int count() {
        return count;
    }

    int threadId(int index) {
        return (int) waits[index * FIELDS + THREAD];
    }

    int page(int index) {
        return (int) waits[index * FIELDS + PAGE];
    }

    long gpa(int index) {
        return waits[index * FIELDS + GPA];
    }

    long hva(int index) {
        return waits[index * FIELDS + HVA];
    }

    long since() {
        return since;
    }

    long tellAt() {
        return tellAt;
    }

    /** Takes the next wait: its index, or {@link #NONE} if somebody has taken what was left. */
    int takeNext() {
        long seen = state;
        int left = (int) (seen & LEFT);
        return left != 0 && STATE.compareAndSet(this, seen, seen - 1) ? count - left : NONE;
    }

    /** Takes all that are left, which are the last ones. Returns their number. */
    int takeRest() {
        long seen = state;
        int left = (int) (seen & LEFT);
        return left != 0 && STATE.compareAndSet(this, seen, seen - left) ? left : 0;
    }

    /** Whether the thread is among those that are left, as far as can be seen from outside. */
    boolean contains(int threadId) {
        int end = count;
        for (int index = Math.max(0, end - left()); index < end; index++) {
            if (threadId(index) == threadId) {
                return true;
            }
        }
        return false;
    }
}
