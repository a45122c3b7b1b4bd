// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A source in which all pages are copies of one, as in {@code paging.c}. */
final class OnePage implements PageSource {

    private static final long PAGE = PageRequest.PAGE_BYTES;

    private final MemorySegment page = Arena.ofAuto().allocate(PAGE, PAGE).fill((byte) 1);

    @Override
    public boolean isSynchronous() {
        return true;
    }

    @Override
    public @Nullable MemorySegment resident(long gpa, int pages) {
        return pages == 1 ? page : null;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        for (int at = first; at < first + count; at++) {
            MemorySegment.copy(page, 0, request.memory(), request.offset() + at * PAGE, PAGE);
        }
        request.filled(first, count);
    }

    @Override
    public void close() {}
}
