// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * Fills missing pages one at a time and wakes who waits for them: as {@link Userfaultfd#tryCopy}
 * and {@link Userfaultfd#tryContinue} do, in the shortest way. What is the same for all pages is
 * written once. For one thread at a time.
 */
public final class PageFiller {

    private static final long PAGE_BYTES = 4096;

    private final Userfaultfd uffd;
    private final MemorySegment copy;
    private final MemorySegment mapping;

    PageFiller(Userfaultfd uffd) {
        this.uffd = uffd;
        // Lives as long as this object. All but the length is zero, the modes among it.
        Arena arena = Arena.ofAuto();
        copy = arena.allocate(Layout.TRANSFER_BYTES, Long.BYTES);
        copy.set(JAVA_LONG, Layout.TRANSFER_LENGTH, PAGE_BYTES);
        mapping = arena.allocate(Layout.FILL_BYTES, Long.BYTES);
        mapping.set(JAVA_LONG, Layout.RANGE_LENGTH, PAGE_BYTES);
    }

    /**
     * Fills a missing page with a copy.
     *
     * @param destination address of the page
     * @param source native memory, which no other thread closes meanwhile
     * @param offset of the first byte in the source
     * @return 4096 or {@code -errno}, as {@link Userfaultfd} describes it
     */
    public long tryCopy(long destination, MemorySegment source, long offset) {
        if (!source.isNative() || !source.scope().isAlive()) {
            throw new IllegalArgumentException("the source must be live native memory");
        }
        Objects.checkFromIndexSize(offset, PAGE_BYTES, source.byteSize());
        copy.set(JAVA_LONG, Layout.TRANSFER_DESTINATION, destination);
        copy.set(JAVA_LONG, Layout.TRANSFER_SOURCE, source.address() + offset);
        try {
            return call(UffdRequests.UFFDIO_COPY, copy);
        } finally {
            Reference.reachabilityFence(source);
        }
    }

    /**
     * Maps a page that is in the file's cache.
     *
     * @return 4096 or {@code -errno}
     */
    public long tryContinue(long address) {
        mapping.set(JAVA_LONG, Layout.RANGE_START, address);
        return call(UffdRequests.UFFDIO_CONTINUE, mapping);
    }

    // One page is done, or not: what the kernel writes of the length done says nothing more, and
    // what has failed may be tried again.
    private long call(long request, MemorySegment argument) {
        try {
            int result = uffd.fd().tryRepeatableIoctl(request, argument.address());
            return result >= 0 ? PAGE_BYTES : result;
        } finally {
            Reference.reachabilityFence(argument);
        }
    }
}
