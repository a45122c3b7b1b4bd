// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.paging.WorkingSet;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Notes pages in the order in which they were first wanted, as many as there is room for. Room is
 * taken piece by piece: most machines that page want few pages.
 */
final class WorkingSetRecorder {

    static final int CAPACITY = 1 << 16;

    /** Pages per piece. */
    static final int PIECE = 1 << 12;

    private final AtomicReferenceArray<long @Nullable []> pieces =
            new AtomicReferenceArray<>(CAPACITY / PIECE);
    private final AtomicInteger used = new AtomicInteger();

    /** The page was wanted for the first time. */
    void wanted(long gpa) {
        int at = used.get() < CAPACITY ? used.getAndIncrement() : CAPACITY;
        if (at < CAPACITY) {
            piece(at / PIECE)[at % PIECE] = gpa + 1;
        }
    }

    private long[] piece(int index) {
        long[] piece = pieces.get(index);
        return piece != null ? piece : add(index);
    }

    private long[] add(int index) {
        long[] added = new long[PIECE];
        long[] quicker = pieces.compareAndExchange(index, null, added);
        return quicker != null ? quicker : added;
    }

    /** What was noted so far, but for pages that are being noted at this moment. */
    WorkingSet recorded() {
        int noted = Math.min(used.get(), CAPACITY);
        long[] gpas = new long[noted];
        int count = 0;
        for (int at = 0; at < noted; at++) {
            long[] piece = pieces.get(at / PIECE);
            // One more than the address, so that what is not noted yet is not taken for address 0.
            long value = piece == null ? 0 : piece[at % PIECE];
            if (value != 0) {
                gpas[count++] = value - 1;
            }
        }
        return WorkingSet.of(Arrays.copyOf(gpas, count));
    }
}
