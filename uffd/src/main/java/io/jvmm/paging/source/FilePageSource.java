// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Pages out of a file. Holes of a sparse file are zero pages, and cost no read. What the file's
 * parts do not cover, the source does not have. Synchronous: the calling thread reads.
 *
 * <p>The file must not change while the source is open; where its holes are is found out once. If
 * it gets shorter, or a part of it cannot be read, just the pages concerned are answered as {@link
 * PageFailure#AWAY}: the file may be read again later, and no page is lost for a bad moment of a
 * disk or a file system.
 *
 * <pre>{@code
 * // Guest memory of 512 MiB from the start of a file.
 * PageSource source = new FilePageSource(
 *         Path.of("memory.img"), List.of(new FilePageSource.Part(0, 0, 512L << 20)));
 * }</pre>
 */
public final class FilePageSource implements PageSource {

    /**
     * A piece of guest memory in the file.
     *
     * @param gpa of its first page, a multiple of 4 KiB
     * @param offset of the same page in the file, of any alignment
     * @param length in bytes, a positive multiple of 4 KiB
     */
    public record Part(long gpa, long offset, long length) {

        private static final int PAGE = PageRequest.PAGE_BYTES;

        /** Checks alignment and overflow. */
        public Part {
            if (gpa < 0 || offset < 0 || length <= 0 || (gpa | length) % PAGE != 0) {
                throw new IllegalArgumentException(
                        "guest memory at 0x%x, %d bytes at %d of a file"
                                .formatted(gpa, length, offset));
            }
            if (length > Long.MAX_VALUE - Math.max(gpa, offset)) {
                throw new IllegalArgumentException("a part of a file ends beyond 2^63");
            }
        }
    }

    private static final int PAGE = PageRequest.PAGE_BYTES;

    /** How the file is read: {@link Fd#tryRead(MemorySegment, long, long, long)}. */
    interface Reads {
        long tryRead(MemorySegment to, long at, long length, long offset);
    }

    private final Reads reads;
    // Closed by the last who reads, after close(); null if the file is its opener's.
    private final @Nullable Fd owned;
    // One for the source until it is closed, and one for each thread that reads.
    private final AtomicInteger users = new AtomicInteger(1);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Part[] parts;
    // Where the data are: [dataStarts[i], dataEnds[i]) of the file, ascending.
    private final long[] dataStarts;
    private final long[] dataEnds;

    /**
     * Opens a file, which is closed with this source.
     *
     * @param file readable; a regular file or a block device
     * @throws KernelException if it cannot be opened
     * @throws IllegalArgumentException if the file is too short for a part
     */
    public FilePageSource(Path file, List<Part> parts) {
        this(Fd.open(file.toString(), Fd.O_RDONLY), parts, true, null);
    }

    /**
     * @param file open for reading; closed by its owner, after this source
     * @throws IllegalArgumentException if the file is too short for a part
     */
    public FilePageSource(Fd file, List<Part> parts) {
        this(file, parts, false, null);
    }

    FilePageSource(Fd file, List<Part> parts, Reads reads) {
        this(file, parts, false, reads);
    }

    private FilePageSource(Fd file, List<Part> parts, boolean owns, @Nullable Reads reads) {
        this.reads = reads == null ? file::tryRead : reads;
        owned = owns ? file : null;
        this.parts = parts.toArray(Part[]::new);
        List<long[]> data;
        try {
            data = checkedData(file, parts);
        } catch (RuntimeException | Error e) {
            if (owns) {
                file.close();
            }
            throw e;
        }
        dataStarts = data.stream().mapToLong(extent -> extent[0]).toArray();
        dataEnds = data.stream().mapToLong(extent -> extent[1]).toArray();
    }

    private static List<long[]> checkedData(Fd file, List<Part> parts) {
        long size = file.sizeBytes();
        for (Part part : parts) {
            if (part.offset() + part.length() > size) {
                throw new IllegalArgumentException(
                        "%s has %d bytes, too few for %s".formatted(file.name(), size, part));
            }
        }
        return dataOf(file, size);
    }

    private static List<long[]> dataOf(Fd file, long size) {
        List<long[]> extents = new ArrayList<>();
        for (long at = file.nextData(0); at >= 0 && at < size; ) {
            long end = file.nextHole(at);
            extents.add(new long[] {at, end});
            at = end < size ? file.nextData(end) : -1;
        }
        return extents;
    }

    @Override
    public boolean isSynchronous() {
        return true;
    }

    @Override
    public int extent(long gpa, int pages) {
        int missing = pages;
        for (Part part : parts) {
            int extent = Extents.within(part.gpa, part.length, gpa, pages);
            if (extent > 0) {
                return extent;
            }
            missing = Math.min(missing, -extent);
        }
        return -missing;
    }

    @Override
    public void fetch(PageRequest request, int first, int count) {
        if (!enter()) {
            request.failed(first, count, PageFailure.LOST);
            return;
        }
        try {
            fetchOpen(request, first, count);
        } finally {
            leave();
        }
    }

    /** Keeps the file open until {@link #leave}; false if the source is closed. */
    private boolean enter() {
        int now = users.get();
        while (now > 0 && !users.compareAndSet(now, now + 1)) {
            now = users.get();
        }
        return now > 0;
    }

    private void leave() {
        if (users.decrementAndGet() == 0 && owned != null) {
            owned.close();
        }
    }

    private void fetchOpen(PageRequest request, int first, int count) {
        // The request's own fields must not be read after its last page was answered.
        long start = request.gpa();
        for (int at = first; at < first + count; ) {
            long gpa = start + (long) at * PAGE;
            int run = extent(gpa, first + count - at);
            if (run > 0) {
                fetch(request, at, run, offsetOf(gpa));
            } else {
                request.failed(at, -run, PageFailure.LOST);
            }
            at += Math.abs(run);
        }
    }

    private long offsetOf(long gpa) {
        for (Part part : parts) {
            if (gpa >= part.gpa && gpa - part.gpa < part.length) {
                return part.offset + (gpa - part.gpa);
            }
        }
        throw new AssertionError(gpa);
    }

    /** Pages that lie in the file without gap. */
    private void fetch(PageRequest request, int first, int count, long offset) {
        for (int at = first, end = first + count; at < end; ) {
            long from = offset + (long) (at - first) * PAGE;
            int zeros = zeroPages(from, end - at);
            if (zeros > 0) {
                request.zero(at, zeros);
                at += zeros;
            } else {
                int run = dataPages(from, end - at);
                read(request, at, run, from);
                at += run;
            }
        }
    }

    /** How many pages from an offset on lie in a hole. */
    private int zeroPages(long offset, int limit) {
        int next = firstExtentEndingAfter(offset);
        if (next == dataStarts.length) {
            return limit;
        }
        long hole = dataStarts[next] - offset;
        return hole <= 0 ? 0 : (int) Math.min(limit, hole / PAGE);
    }

    /** How many pages from an offset on hold data, at least in part; at least 1. */
    private int dataPages(long offset, int limit) {
        int pages = 1;
        while (pages < limit && zeroPages(offset + (long) pages * PAGE, 1) == 0) {
            int extent = firstExtentEndingAfter(offset + (long) pages * PAGE);
            long rest = dataEnds[extent] - offset;
            pages = (int) Math.min(limit, Math.max(pages + 1, rest / PAGE));
        }
        return pages;
    }

    private int firstExtentEndingAfter(long offset) {
        int found = Arrays.binarySearch(dataEnds, offset);
        return found >= 0 ? found + 1 : -found - 1;
    }

    private void read(PageRequest request, int first, int count, long offset) {
        // The request's own fields must not be read after its last page was answered.
        MemorySegment to = request.memory();
        long start = request.offset() + (long) first * PAGE;
        long length = (long) count * PAGE;
        int answered = 0;
        for (long done = 0; done < length; ) {
            long result = reads.tryRead(to, start + done, length - done, offset + done);
            if (result > 0) {
                done += result;
            } else if (!Errno.EINTR.is(result)) {
                int bad = (int) (done / PAGE);
                // Behind the end there is nothing now; behind a bad block there may be good ones.
                int away = result == 0 ? count - bad : 1;
                if (bad > answered) {
                    request.filled(first + answered, bad - answered);
                }
                request.failed(first + bad, away, PageFailure.AWAY);
                answered = bad + away;
                done = (long) answered * PAGE;
            }
        }
        if (count > answered) {
            request.filled(first + answered, count - answered);
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            leave();
        }
    }
}
