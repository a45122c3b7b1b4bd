// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

/** Arithmetic of {@link PageSource#extent}. */
final class Extents {

    private Extents() {}

    /** The extent of pages against the range [start, start + length) of whole pages. */
    static int within(long start, long length, long gpa, int pages) {
        long offset = gpa - start;
        if (offset < 0) {
            return (int) -Math.min(pages, -offset / PageRequest.PAGE_BYTES);
        }
        if (offset >= length) {
            return -pages;
        }
        return (int) Math.min(pages, (length - offset) / PageRequest.PAGE_BYTES);
    }
}
