// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSink;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Sources one above the other: a page comes from the first that has it, and is lost if none has.
 * Closing it closes them all.
 */
public final class CompositePageSource implements PageSource {

    private final List<PageSource> layers;
    private final boolean synchronous;

    /**
     * @param layers the topmost first
     */
    public CompositePageSource(List<PageSource> layers) {
        this.layers = List.copyOf(layers);
        synchronous = layers.stream().allMatch(PageSource::isSynchronous);
    }

    @Override
    public void start(PageSink sink) {
        for (PageSource layer : layers) {
            layer.start(sink);
        }
    }

    /** Whether all layers are. */
    @Override
    public boolean isSynchronous() {
        return synchronous;
    }

    @Override
    public int extent(long gpa, int pages) {
        int missing = pages;
        for (int layer = 0; layer < layers.size(); layer++) {
            int extent = layers.get(layer).extent(gpa, pages);
            if (extent > 0) {
                return extent;
            }
            missing = Math.min(missing, -extent);
        }
        return -missing;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        // The request's own fields must not be read after its last page was answered.
        long gpa = request.gpa();
        for (int at = first, end = first + count; at < end; ) {
            at += fetchRun(request, gpa + (long) at * PageRequest.PAGE_BYTES, at, end - at);
        }
    }

    /** Asks one layer for the pages that it has, from the first on; returns how many. */
    private int fetchRun(PageRequest request, long gpa, int first, int limit) {
        int run = limit;
        for (int layer = 0; layer < layers.size(); layer++) {
            int extent = layers.get(layer).extent(gpa, run);
            if (extent > 0) {
                layers.get(layer).fetch(request, first, extent);
                return extent;
            }
            run = -extent;
        }
        request.failed(first, run, PageFailure.LOST);
        return run;
    }

    @Override
    public @Nullable MemorySegment resident(long gpa, int pages) {
        for (int layer = 0; layer < layers.size(); layer++) {
            int extent = layers.get(layer).extent(gpa, pages);
            if (extent > 0) {
                return extent == pages ? layers.get(layer).resident(gpa, pages) : null;
            }
            if (-extent < pages) {
                return null;
            }
        }
        return null;
    }

    @Override
    public long residentOffset(long gpa) {
        for (int layer = 0; layer < layers.size(); layer++) {
            if (layers.get(layer).extent(gpa, 1) > 0) {
                return layers.get(layer).residentOffset(gpa);
            }
        }
        throw new IllegalArgumentException("no layer has 0x" + Long.toHexString(gpa));
    }

    @Override
    public void hasten(PageRequest request) {
        for (int layer = 0; layer < layers.size(); layer++) {
            layers.get(layer).hasten(request);
        }
    }

    @Override
    public void cancel(PageRequest request) {
        for (int layer = 0; layer < layers.size(); layer++) {
            layers.get(layer).cancel(request);
        }
    }

    @Override
    public void allInstalled() {
        for (PageSource layer : layers) {
            layer.allInstalled();
        }
    }

    @Override
    public void close() {
        for (PageSource layer : layers) {
            layer.close();
        }
    }
}
