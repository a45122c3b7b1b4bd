// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.paging.PagingConfig;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The transfers, and the staging memory of each: a huge page, into which the source writes. Without
 * locks.
 *
 * <p>A part of the transfers is kept back for faults, and as many huge pages are present
 * beforehand, so that nobody who waits for a page waits for 2 MiB to be cleared as well. What is
 * fetched ahead makes its own present by writing: cleared just before, they are still in the
 * processor's cache.
 */
final class TransferPool {

    /** The most transfers of a pool: they are bits of one word. */
    static final int MAX_SIZE = PagingConfig.MAX_STAGING_CHUNKS;

    private static final long CHUNK_BYTES = Mapping.HUGE_PAGE_BYTES;
    private static final long CLOSED = 0;

    private final Transfer[] transfers;
    private final long all;
    private final AtomicLong free;
    // Whose staging is known to be present.
    private final AtomicLong present;
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
        present = new AtomicLong(staged ? (1L << reserve) - 1 : 0);
        for (int i = 0; i < size; i++) {
            transfers[i] = new Transfer(i, completion);
        }
        // Last: what follows in a constructor that fails would leave it behind.
        staging = staged ? stagingOf(size) : null;
    }

    private Mapping stagingOf(int size) {
        Mapping mapping = Mapping.anonymous(size * CHUNK_BYTES);
        // Where there are no huge pages, small ones do: they are moved one by one.
        mapping.tryAdvise(Advice.HUGEPAGE, 0, mapping.sizeBytes());
        // A child process would share the pages, and shared pages cannot be moved.
        mapping.tryAdvise(Advice.DONTFORK, 0, mapping.sizeBytes());
        mapping.tryAdvise(Advice.POPULATE_WRITE, 0, reserve * CHUNK_BYTES);
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
            long suitable = now & (urgent ? present.get() : ~present.get());
            // The highest, which was given back last if few are under way: its staging is warm.
            long taken = Long.highestOneBit(suitable != 0 ? suitable : now);
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

    /** The transfer's staging pages were moved away. Its owner's, before it gives it back. */
    void moved(Transfer transfer) {
        long bit = 1L << transfer.index;
        boolean was = isPresent(transfer);
        boolean wanted = Long.bitCount(present.get() & ~bit) < reserve;
        if (wanted) {
            staging().tryAdvise(Advice.POPULATE_WRITE, offset(transfer), CHUNK_BYTES);
        }
        // The owner alone changes its bit.
        if (was != wanted) {
            present.getAndAdd(wanted ? bit : -bit);
        }
    }

    /** Whether the transfer's staging is known to be present. */
    boolean isPresent(Transfer transfer) {
        return (present.get() >>> transfer.index & 1) != 0;
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
