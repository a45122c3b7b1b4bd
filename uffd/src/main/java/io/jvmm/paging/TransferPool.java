package io.jvmm.paging;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;

import org.jspecify.annotations.Nullable;

/**
 * The transfers, and the staging memory of each: a huge page, present beforehand, so that the
 * source writes into it at full speed. A part is kept back for faults.
 *
 * <p>LOCKS: the methods are synchronized and call nothing that locks or waits.
 */
final class TransferPool {

    private static final long CHUNK_BYTES = Mapping.HUGE_PAGE_BYTES;

    private final Transfer[] all;
    private final Transfer[] free;
    private final int reserve;
    private final @Nullable Mapping staging;
    private int available;
    private boolean closed;

    /**
     * @param staged whether the transfers need staging memory
     */
    TransferPool(int size, boolean staged, Transfer.Completion completion) {
        all = new Transfer[size];
        free = new Transfer[size];
        reserve = Math.max(2, size / 4);
        staging = staged ? stagingOf(size) : null;
        for (int i = 0; i < size; i++) {
            all[i] = new Transfer(i, completion);
            free[i] = all[i];
        }
        available = size;
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
     * @return null if there is none, or it is closed
     */
    synchronized @Nullable Transfer take(boolean urgent) {
        if (closed || available <= (urgent ? 0 : reserve)) {
            return null;
        }
        return free[--available];
    }

    /** Gives it back. */
    synchronized void give(Transfer transfer) {
        free[available++] = transfer;
    }

    int size() {
        return all.length;
    }

    Transfer get(int index) {
        return all[index];
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
        if (available < free.length) {
            return false;
        }
        if (!closed && staging != null) {
            staging.close();
        }
        closed = true;
        return true;
    }
}
