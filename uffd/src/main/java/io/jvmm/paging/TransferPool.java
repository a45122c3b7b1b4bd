package io.jvmm.paging;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The transfers, and the staging memory of each: a huge page, present beforehand, so that the
 * source writes into it at full speed. A part is kept back for faults. Without locks.
 */
final class TransferPool {

    /** The most transfers of a pool: they are bits of one word. */
    static final int MAX_SIZE = Long.SIZE;

    private static final long CHUNK_BYTES = Mapping.HUGE_PAGE_BYTES;
    private static final long CLOSED = 0;

    private final Transfer[] transfers;
    private final long all;
    private final AtomicLong free;
    private final int reserve;
    private final @Nullable Mapping staging;
    private boolean closed;

    /**
     * @param size how many, 1 to {@link #MAX_SIZE}
     * @param staged whether the transfers need staging memory
     */
    TransferPool(int size, boolean staged, Transfer.Completion completion) {
        transfers = new Transfer[size];
        all = -1L >>> (Long.SIZE - size);
        free = new AtomicLong(all);
        reserve = Math.max(2, size / 4);
        staging = staged ? stagingOf(size) : null;
        for (int i = 0; i < size; i++) {
            transfers[i] = new Transfer(i, completion);
        }
    }

    private static Mapping stagingOf(int size) {
        Mapping mapping = Mapping.anonymous(size * CHUNK_BYTES);
        // Where there are no huge pages, small ones do: they are moved one by one.
        mapping.tryAdvise(Advice.HUGEPAGE, 0, mapping.sizeBytes());
        // A child process would share the pages, and shared pages cannot be moved.
        mapping.tryAdvise(Advice.DONTFORK, 0, mapping.sizeBytes());
        mapping.tryAdvise(Advice.POPULATE_WRITE, 0, mapping.sizeBytes());
        return mapping;
    }

    /**
     * Takes a transfer.
     *
     * @param urgent also if it is one of those kept back
     * @return null if there is none, or the pool is closed
     */
    @Nullable Transfer take(boolean urgent) {
        while (true) {
            long now = free.get();
            if (Long.bitCount(now) <= (urgent ? 0 : reserve)) {
                return null;
            }
            // The highest, which was given back last if few are under way: its staging is warm.
            long taken = Long.highestOneBit(now);
            if (free.compareAndSet(now, now & ~taken)) {
                return transfers[Long.numberOfTrailingZeros(taken)];
            }
        }
    }

    /** Gives it back. */
    void give(Transfer transfer) {
        free.getAndAdd(1L << transfer.index);
    }

    int size() {
        return transfers.length;
    }

    Transfer get(int index) {
        return transfers[index];
    }

    Mapping staging() {
        if (staging == null) {
            throw new IllegalStateException("there is no staging");
        }
        return staging;
    }

    /** Where a transfer's staging begins. */
    long offset(Transfer transfer) {
        return transfer.index * CHUNK_BYTES;
    }

    /** Makes staging present again whose pages were moved away. */
    void refill(Transfer transfer) {
        staging().tryAdvise(Advice.POPULATE_WRITE, offset(transfer), CHUNK_BYTES);
    }

    /** Gives the staging memory back if all transfers are; from then on there are none. */
    synchronized boolean tryClose() {
        if (closed) {
            return true;
        }
        closed = free.compareAndSet(all, CLOSED);
        if (closed && staging != null) {
            staging.close();
        }
        return closed;
    }
}
