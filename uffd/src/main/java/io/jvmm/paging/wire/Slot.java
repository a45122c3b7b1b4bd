// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;

/**
 * One run of pages that was asked of the server, from the caller's {@code fetch} to the last
 * answer. Slots are made once and used again. All fields are guarded by the {@link Outstanding}
 * table's lock; between {@code beginReceive} and {@code endReceive} its lane alone writes to the
 * request's memory.
 */
final class Slot {

    /** The place in the table, and the lower bits of the numbers it gets on the wire. */
    final int index;

    /**
     * What to answer; null when the answer came from here already and the server's is to be
     * dropped.
     */
    @Nullable PageRequest request;

    /** Number on the wire; only while a lane carries it. */
    long id;

    /** Address of {@link #next}. */
    long gpa;

    /** The first page, within the request, that is not answered. */
    int next;

    /** The page behind the last. */
    int end;

    Priority priority = Priority.SWEEP;

    /** Which connection it was sent on; null while it waits in a queue or is free. */
    @Nullable Lane lane;

    /** Bytes are being written to the request's memory. */
    boolean isReceiving;

    /** No longer wanted, but a frame was arriving when that was said. */
    boolean isUnwanted;

    /** The server has begun by itself; there is no number that could be withdrawn. */
    boolean isPush;

    /** The next one in the same queue, or the next free one. */
    @Nullable Slot link;

    Slot(int index) {
        this.index = index;
    }

    /** Takes in a run of pages of a request, which nothing has been done for yet. */
    void take(PageRequest wanted, int first, int count, Priority urgency) {
        request = wanted;
        next = first;
        end = first + count;
        gpa = wanted.gpa() + (long) first * PageRequest.PAGE_BYTES;
        priority = urgency;
    }

    /**
     * @throws WireException {@code UNREQUESTED} if these are not the next bytes of what is due
     */
    void requireDue(long address, int length) {
        if (address != gpa
                || length <= 0
                || length % PageRequest.PAGE_BYTES != 0
                || length / PageRequest.PAGE_BYTES > pages()) {
            throw new WireException(
                    Refusal.UNREQUESTED,
                    "0x%x bytes at 0x%x for number %d, of which 0x%x at 0x%x are due"
                            .formatted(
                                    length,
                                    address,
                                    id,
                                    pages() * (long) PageRequest.PAGE_BYTES,
                                    gpa));
        }
    }

    /** The connection that carried it has ended: it waits for another one. */
    void returnToQueue() {
        lane = null;
        isReceiving = false;
        isPush = false;
    }

    /** Has the rest of what is on its way dropped. */
    void abandon() {
        request = null;
        isUnwanted = false;
        if (lane != null && !isPush) {
            lane.withdraw(id);
        }
    }

    int pages() {
        return end - next;
    }

    void clear() {
        request = null;
        lane = null;
        isReceiving = false;
        isUnwanted = false;
        isPush = false;
    }
}
