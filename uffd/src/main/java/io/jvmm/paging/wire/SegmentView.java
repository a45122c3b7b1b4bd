// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import io.jvmm.paging.PageRequest;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Shows places in a request's memory as a buffer, which channels want, without making a new one for
 * each as long as requests share their memory. For one thread.
 */
final class SegmentView {

    private static final long WINDOW = 1L << 30;

    private MemorySegment segment = MemorySegment.NULL;
    private long base;
    private ByteBuffer buffer = ByteBuffer.allocate(0);

    /** The place of a request's pages; valid until the next call. */
    ByteBuffer of(PageRequest request, int page, int length) {
        MemorySegment memory = request.memory();
        long offset = request.offset() + (long) page * PageRequest.PAGE_BYTES;
        boolean isSame = memory.equals(segment) && memory.scope().equals(segment.scope());
        if (!isSame || offset < base || offset + length > base + buffer.capacity()) {
            base = offset / WINDOW * WINDOW;
            // A little more, for pieces that begin at the window's end.
            long size = Math.min(WINDOW + Wire.MAX_REQUEST, memory.byteSize() - base);
            buffer = memory.asSlice(base, size).asByteBuffer();
            segment = memory;
        }
        int at = (int) (offset - base);
        return buffer.limit(at + length).position(at);
    }
}
