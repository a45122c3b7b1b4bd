// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;

/**
 * A run of pages that somebody wants, the memory to put them into, and what became of each.
 *
 * <p>The object is used again and again: {@link #begin} starts a life, the answer to the last page
 * ends it with one call of {@link Listener#answered}, on the thread that answered. Answers may come
 * from several threads at once; a second answer to the same page within one life is ignored.
 * Nothing here allocates or locks.
 */
public final class PageRequest {

    /** Size of a page in bytes. */
    public static final int PAGE_BYTES = 4096;

    /** The most pages of one request: 2 MiB. */
    public static final int MAX_PAGES = 512;

    /** Who is told that all pages are answered. */
    public interface Listener {
        /**
         * Every page of the request is answered. Called once per life; from here on the request and
         * its memory are the listener's, who may begin another life at once.
         */
        void answered(PageRequest request);
    }

    private static final int WORDS = MAX_PAGES / Long.SIZE;
    private static final VarHandle BITS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle OPEN;

    static {
        try {
            OPEN = MethodHandles.lookup().findVarHandle(PageRequest.class, "open", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Listener listener;
    private final long[] answered = new long[WORDS];
    private final long[] zero = new long[WORDS];
    private final long[] failed = new long[WORDS];
    private final long[] lost = new long[WORDS];

    private long gpa;
    private int pages;
    private MemorySegment memory = MemorySegment.NULL;
    private long offset;
    private volatile Priority priority = Priority.SWEEP;
    // Apart from each other, because answers race.
    private volatile boolean away;
    private volatile boolean cancelled;

    @SuppressWarnings("unused") // through OPEN
    private volatile int open;

    /** A request without content, whose lives end at the listener. */
    public PageRequest(Listener listener) {
        this.listener = listener;
    }

    /**
     * Begins a life.
     *
     * @param gpa guest-physical address of the first page, a multiple of 4 KiB
     * @param pages 1 to {@link #MAX_PAGES}
     * @param memory where the pages go: native, writable, kept open until the end of this life
     * @param offset of the first page within the memory; the others follow without gap
     * @throws IllegalStateException if the life before has not ended
     */
    public void begin(long gpa, int pages, Priority priority, MemorySegment memory, long offset) {
        if (pages < 1 || pages > MAX_PAGES || gpa < 0 || gpa % PAGE_BYTES != 0) {
            throw new IllegalArgumentException(pages + " pages at 0x" + Long.toHexString(gpa));
        }
        Objects.checkFromIndexSize(offset, (long) pages * PAGE_BYTES, memory.byteSize());
        if ((int) OPEN.getAcquire(this) != 0) {
            throw new IllegalStateException("the request is still under way");
        }
        this.gpa = gpa;
        this.pages = pages;
        this.memory = memory;
        this.offset = offset;
        this.priority = priority;
        away = false;
        cancelled = false;
        for (int word = 0; word < WORDS; word++) {
            answered[word] = 0;
            zero[word] = 0;
            failed[word] = 0;
            lost[word] = 0;
        }
        OPEN.setRelease(this, pages);
    }

    /** Guest-physical address of the first page. */
    public long gpa() {
        return gpa;
    }

    /** The number of pages. */
    public int pages() {
        return pages;
    }

    /** The memory that page 0 is to be put into at {@link #offset}. */
    public MemorySegment memory() {
        return memory;
    }

    /** Where in {@link #memory} page 0 goes; page n goes n * 4 KiB further. */
    public long offset() {
        return offset;
    }

    /** The native address where a page goes, for system calls that fill it. */
    public long address(int page) {
        return memory.address() + offset + (long) page * PAGE_BYTES;
    }

    /** How soon it is wanted. May rise while the request is under way, see {@link #raise}. */
    public Priority priority() {
        return priority;
    }

    /** Says that it is wanted sooner; the requester tells the source by {@code hasten}. */
    public void raise(Priority higher) {
        if (higher.compareTo(priority) < 0) {
            priority = higher;
        }
    }

    /** Answer: these pages' content is in their places. */
    public void filled(int first, int count) {
        answer(first, count, null, null);
    }

    /** Answer: these pages are all zero. Their places need not have been written. */
    public void zero(int first, int count) {
        answer(first, count, zero, null);
    }

    /** Answer: these pages do not come, and why. */
    public void failed(int first, int count, PageFailure failure) {
        switch (failure) {
            case AWAY -> away = true;
            case CANCELLED -> cancelled = true;
            case LOST -> {}
        }
        answer(first, count, failed, failure == PageFailure.LOST ? lost : null);
    }

    private void answer(int first, int count, long @Nullable [] kind, long @Nullable [] moreOfIt) {
        Objects.checkFromIndexSize(first, count, pages);
        int fresh = 0;
        for (int at = first; at < first + count; ) {
            int word = at >> 6;
            int bits = Math.min(Long.SIZE - (at & 63), first + count - at);
            long mask = (-1L >>> (Long.SIZE - bits)) << at;
            // Whoever claims a page first has the say; it counts as answered only afterwards.
            long claimed = mask & ~(long) BITS.getAndBitwiseOr(answered, word, mask);
            if (kind != null) {
                long _ = (long) BITS.getAndBitwiseOr(kind, word, claimed);
            }
            if (moreOfIt != null) {
                long _ = (long) BITS.getAndBitwiseOr(moreOfIt, word, claimed);
            }
            fresh += Long.bitCount(claimed);
            at += bits;
        }
        if (fresh > 0 && (int) OPEN.getAndAdd(this, -fresh) == fresh) {
            listener.answered(this);
        }
    }

    /** Whether every page is answered. */
    public boolean isAnswered() {
        return (int) OPEN.getAcquire(this) == 0;
    }

    /** Whether a page was answered as zero. */
    public boolean isZero(int page) {
        return bit(zero, page);
    }

    /** Whether a page was answered as failed. */
    public boolean isFailed(int page) {
        return bit(failed, page);
    }

    /** Whether a page was answered as failed, and lost for good. */
    public boolean isLost(int page) {
        return bit(lost, page);
    }

    /** Whether a page has failed because the source cannot be reached. */
    public boolean isAway() {
        return away;
    }

    private static boolean bit(long[] words, int page) {
        return ((long) BITS.getVolatile(words, page >> 6) >>> page & 1) != 0;
    }

    /** How many pages were answered as zero. */
    public int zeros() {
        return count(zero);
    }

    /** Whether all pages are zero. */
    public boolean isAllZero() {
        return count(zero) == pages;
    }

    /** Whether no page has failed. */
    public boolean isComplete() {
        return count(failed) == 0;
    }

    private static int count(long[] words) {
        int count = 0;
        for (int word = 0; word < WORDS; word++) {
            count += Long.bitCount((long) BITS.getVolatile(words, word));
        }
        return count;
    }

    /** The worst failure of a page of this request; null if none has failed. */
    public @Nullable PageFailure failure() {
        if (count(lost) > 0) {
            return PageFailure.LOST;
        }
        if (cancelled) {
            return PageFailure.CANCELLED;
        }
        return away ? PageFailure.AWAY : null;
    }
}
