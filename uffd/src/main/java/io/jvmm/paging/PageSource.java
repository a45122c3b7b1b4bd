// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * Where the content of missing pages comes from: a file, memory, a peer.
 *
 * <p><b>Requests.</b> The requester describes a run of pages and the memory they shall be put into
 * in a {@link PageRequest}, and passes it, or parts of it, to {@link #fetch}. For every page that
 * was asked for, the source answers exactly once, through the request: filled, zero, or failed, in
 * any order, in any pieces, from any thread. Until a page is answered, its destination is the
 * source's; from then on it is the requester's again, and the source must not write it any more.
 * The request object lives on with another content after its last page was answered, so a source
 * forgets it then.
 *
 * <p>The destination is ordinary memory: staging, or a second mapping of a guest's memfd. It is
 * present or becomes so by being touched; no guest sees it yet, and Java code may write it.
 *
 * <p><b>Addresses</b> are guest-physical. How they map to offsets in a file is the source's affair.
 *
 * <p><b>Threads.</b> All methods may be called from several threads at once. An asynchronous source
 * never waits in {@link #fetch}, {@link #hasten} or {@link #cancel}, and never answers while it
 * holds a lock that one of these takes: an answer may call them again. Nothing is allocated per
 * request in the steady state.
 */
public interface PageSource extends AutoCloseable {

    /**
     * Called once, before the first request.
     *
     * @param sink takes pages that were not asked for, and the news that the source is back
     */
    default void start(PageSink sink) {}

    /**
     * Whether {@link #fetch} does the work itself, on the caller's thread, and all is answered when
     * it returns. Such a source waits for local input at most; the requester brings the threads.
     */
    boolean isSynchronous();

    /**
     * Which pages the source has, for putting sources one above the other. A page that it has may
     * still fail.
     *
     * @param gpa of the first page, a multiple of 4 KiB
     * @param pages at least 1
     * @return the number of pages, counted from the first, that it has, at most {@code pages}; or
     *     minus the number that it does not have; never 0
     */
    default int extent(long gpa, int pages) {
        return pages;
    }

    /**
     * Asks for some pages of a request. Bad luck is told through the request; nothing is thrown for
     * it.
     *
     * @param first the index of the first page within the request
     * @param count how many, at least 1
     */
    void fetch(PageRequest request, int first, int count);

    /**
     * The memory in which pages lie, for a source that has them in memory of this process. They are
     * copied from there instead of fetched, unless a whole chunk can be moved into place.
     *
     * @param gpa of the first page, a multiple of 4 KiB
     * @param pages at least 1
     * @return native memory with all these pages, one behind the other; it stays as it is until the
     *     source is closed, and all of it is present. Null if they are to be fetched.
     */
    default @Nullable MemorySegment resident(long gpa, int pages) {
        return null;
    }

    /**
     * Where in the memory that {@link #resident} has answered for it a page lies, in bytes; asked
     * for no other.
     */
    default long residentOffset(long gpa) {
        return 0;
    }

    /** The request's {@linkplain PageRequest#priority priority} has risen: somebody waits now. */
    default void hasten(PageRequest request) {}

    /**
     * What is not answered yet is no longer wanted. The source answers it soon nevertheless, with
     * {@link PageFailure#CANCELLED} or as if nothing had happened. A request that it does not know
     * is one that it has just answered.
     */
    default void cancel(PageRequest request) {}

    /**
     * Every page of guest memory is in place; the requester asks for nothing any more. Until this
     * call the source stays ready to be asked again for a page that it has delivered: the kernel
     * may have refused to put it in place.
     *
     * <p>Called once at most, on a thread that holds no lock and that no fault waits for.
     */
    default void allInstalled() {}

    /**
     * Answers all that is open with {@link PageFailure#LOST} and ends. What is asked for meanwhile
     * or afterwards is answered so too. A second call is ignored.
     */
    @Override
    void close();
}
