// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * Pages out of memory: an image in a buffer, or a mapped file. What lies outside of it, the source
 * does not have. Synchronous.
 */
public final class MemoryPageSource implements PageSource {

    private final long gpa;
    private final MemorySegment image;

    /**
     * @param gpa guest-physical address of the first byte, a multiple of 4 KiB
     * @param image whole pages, not changed and not closed before the source is; all of it present,
     *     for it is read by Java code
     */
    public MemoryPageSource(long gpa, MemorySegment image) {
        if (gpa < 0 || gpa % PageRequest.PAGE_BYTES != 0) {
            throw new IllegalArgumentException("image at 0x" + Long.toHexString(gpa));
        }
        if (image.byteSize() % PageRequest.PAGE_BYTES != 0) {
            throw new IllegalArgumentException(image.byteSize() + " bytes are not whole pages");
        }
        this.gpa = gpa;
        this.image = image;
    }

    @Override
    public boolean isSynchronous() {
        return true;
    }

    @Override
    public int extent(long first, int pages) {
        return Extents.within(gpa, image.byteSize(), first, pages);
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        for (int at = first; at < first + count; ) {
            long page = request.gpa() + (long) at * PageRequest.PAGE_BYTES;
            int run = extent(page, first + count - at);
            if (run < 0) {
                request.failed(at, -run, PageFailure.LOST);
            } else {
                MemorySegment.copy(
                        image,
                        page - gpa,
                        request.memory(),
                        request.offset() + (long) at * PageRequest.PAGE_BYTES,
                        (long) run * PageRequest.PAGE_BYTES);
                request.filled(at, run);
            }
            at += Math.abs(run);
        }
    }

    /** All of the image, if it is native memory. */
    @Override
    public @Nullable MemorySegment resident(long first, int pages) {
        return image.isNative() && extent(first, pages) == pages ? image : null;
    }

    @Override
    public long residentOffset(long page) {
        return page - gpa;
    }

    @Override
    public void close() {}
}
