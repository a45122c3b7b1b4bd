// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.uffd.PageFiller;
import io.jvmm.ffi.uffd.UffdConstants;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Path;

import java.lang.foreign.MemorySegment;

/**
 * Puts the pages of a transfer in place, in the way that the kind of memory wants. Works on the
 * thread that answered the request.
 *
 * <p>What the kernel says to it, by name:
 *
 * <ul>
 *   <li>{@code EEXIST}: the page is there, from before the service began; it keeps its content.
 *   <li>{@code EAGAIN}: somebody is dropping pages just now, and the message about it is still
 *       unread. The pages stay empty, and are fetched again if they are wanted.
 *   <li>{@code ENOENT}: the pages are registered no more; or in two mappings, and go one by one.
 *   <li>{@code ESRCH}: the process is ending.
 *   <li>{@code EFAULT} of {@code UFFDIO_COPY}: the content cannot be read where it lies, such as
 *       behind the end of a mapped file that got shorter. It is tried again.
 * </ul>
 */
abstract class Installer {

    /** What the service does about pages after they were put in place, or were not. */
    interface Outcome {
        /**
         * In place, and still claimed.
         *
         * @param drops {@link PageStates#drops} before they were put there
         */
        void arrived(int first, int count, Cause cause, Path path, int drops);

        /** The claim was given back; {@code soon} if it is worth trying again at once. */
        void released(int first, int count, boolean soon);

        /** Registered no more, or lost by the source's own word. */
        void gone(int first, int count);

        void failed(int first, int count, String operation, Errno errno);
    }

    private static final int PAGE = PageRequest.PAGE_BYTES;

    /** The bit is the same for all operations. */
    private static final int DONTWAKE = UffdConstants.UFFDIO_COPY_MODE_DONTWAKE;

    final PageStates states;
    final Outcome outcome;

    /** Nobody sleeps where the one who needs a page is told to fetch it. */
    private volatile boolean wakes = true;

    Installer(PageStates states, Outcome outcome) {
        this.states = states;
        this.outcome = outcome;
    }

    /** Whether somebody may sleep until a page comes. */
    final void wakes(boolean on) {
        wakes = on;
    }

    /** For {@code UFFDIO_…}. */
    final int mode() {
        return wakes ? 0 : DONTWAKE;
    }

    /** The memory into which the source is to put pages. */
    abstract MemorySegment memory(Transfer transfer);

    /** Where in it the transfer's first page goes. */
    abstract long offset(Transfer transfer);

    /** Whether the transfer's pages are better staged, to be put in place in one go. */
    boolean movesWhole(Transfer transfer) {
        return false;
    }

    /** Called before anything is put in place of a whole chunk; how many pages it has done. */
    int installWhole(Userfaultfd uffd, Transfer transfer) {
        return 0;
    }

    /**
     * Called for content that is not where {@link #memory} would have it.
     *
     * @param from native memory with these pages
     * @param offset of the first page in it
     */
    void stage(int first, int count, MemorySegment from, long offset) {}

    /**
     * Puts content in place.
     *
     * @param from where it is: staging, or where the source has it
     * @param offset of the first page in it
     * @return bytes done or {@code -errno}
     */
    abstract long putFilled(
            Userfaultfd uffd, long hva, MemorySegment from, long offset, long length);

    /**
     * Puts zeros where {@code UFFDIO_ZEROPAGE} finds something. Bytes done or {@code -errno}.
     *
     * @param unseen the page was in nobody's sight before, and the source may have written it
     */
    abstract long replaceByZeros(Userfaultfd uffd, int page, boolean unseen);

    abstract Path filledPath();

    /** Puts all pages of the transfer in place that have come, and gives up the others. */
    final void install(Userfaultfd uffd, Transfer transfer) {
        int count = transfer.count();
        int at = count == PresenceMap.CHUNK_PAGES ? installWhole(uffd, transfer) : 0;
        if (at < count && isFilled(transfer)) {
            filled(uffd, transfer, at, count);
            return;
        }
        while (at < count) {
            Kind kind = kind(transfer, at);
            int end = at + 1;
            while (end < count && kind(transfer, end) == kind) {
                end++;
            }
            int first = transfer.first() + at;
            switch (kind) {
                // The claim stays: nobody shall ask for them again.
                case LOST -> outcome.gone(first, end - at);
                case FAILED -> outcome.released(first, end - at, false);
                case ZERO -> zeros(uffd, first, end - at, transfer.cause(), true);
                case FILLED -> filled(uffd, transfer, at, end);
            }
            at = end;
        }
    }

    /** Puts claimed pages in place from where the source has them, after {@link #stage}. */
    final void installResident(
            Userfaultfd uffd, int first, int count, MemorySegment from, long offset, Cause cause) {
        filled(uffd, first, count, from, offset, cause);
    }

    /**
     * Puts a claimed page in place, wakes who waits for it, and does no more.
     *
     * @param from where the source has it
     * @param offset of the page in it
     * @return bytes done or {@code -errno}, for {@link #conclude} if it is not all
     */
    abstract long putPage(PageFiller filler, long gpa, long hva, MemorySegment from, long offset);

    /** Does what there is to do about a page after {@link #putPage}. */
    final void conclude(Userfaultfd uffd, int page, long result, Cause cause) {
        if (settle(uffd, page, 1, result, cause, filledPath(), states.drops()) == 0) {
            rest(page, 1, result, filledPath());
        }
    }

    private enum Kind {
        FILLED,
        ZERO,
        FAILED,
        LOST
    }

    private Kind kind(Transfer transfer, int at) {
        if (states.isDropped(transfer.first() + at) || transfer.request.isZero(at)) {
            return Kind.ZERO;
        }
        if (transfer.request.isLost(at)) {
            return Kind.LOST;
        }
        return transfer.request.isFailed(at) ? Kind.FAILED : Kind.FILLED;
    }

    /** As mostly: a look at each page would take longer than all the rest. */
    private boolean isFilled(Transfer transfer) {
        PageRequest request = transfer.request;
        return request.isComplete()
                && request.zeros() == 0
                && !states.isDropped(transfer.first(), transfer.count());
    }

    private void filled(Userfaultfd uffd, Transfer transfer, int at, int end) {
        filled(
                uffd,
                transfer.first() + at,
                end - at,
                memory(transfer),
                offset(transfer) + (long) at * PAGE,
                transfer.cause());
    }

    private void filled(
            Userfaultfd uffd, int first, int count, MemorySegment from, long offset, Cause cause) {
        states.fragment(PageStates.chunk(first));
        for (int end = first + count, limit = count; first < end; ) {
            long hva = states.memory.hva(first);
            int length = Math.min(limit, end - first);
            int drops = states.drops();
            long result = putFilled(uffd, hva, from, offset, (long) length * PAGE);
            if (length > 1 && Errno.ENOENT.is(result)) {
                limit = 1;
                continue;
            }
            int done = settle(uffd, first, length, result, cause, filledPath(), drops);
            if (done == 0) {
                rest(first, end - first, result, filledPath());
                return;
            }
            first += done;
            offset += (long) done * PAGE;
        }
    }

    /**
     * Puts zeros in place of claimed pages.
     *
     * @param unseen they were in nobody's sight before; if false, what is there already stays
     */
    final void zeros(Userfaultfd uffd, int first, int count, Cause cause, boolean unseen) {
        states.fragment(PageStates.chunk(first));
        for (int end = first + count, limit = count; first < end; ) {
            long hva = states.memory.hva(first);
            int length = Math.min(limit, end - first);
            int drops = states.drops();
            long result = uffd.tryZeropage(hva, (long) length * PAGE, mode());
            if (length > 1 && Errno.ENOENT.is(result)) {
                limit = 1;
                continue;
            }
            if (Errno.EEXIST.is(result)) {
                // A page; or what is no page but a mark, which only this replaces.
                result = replaceByZeros(uffd, first, unseen);
            }
            int done = settle(uffd, first, length, result, cause, Path.ZERO, drops);
            if (done == 0) {
                rest(first, end - first, result, Path.ZERO);
                return;
            }
            first += done;
        }
    }

    /**
     * A fault was told for a page that counts as present. Mostly it has just come; but if it was
     * dropped in a way that is not told, such as a hole punched into the file, it is zero now.
     *
     * @return whether it was missing
     */
    final boolean heal(Userfaultfd uffd, int page) {
        long hva = states.memory.hva(page);
        if (uffd.tryZeropage(hva, PAGE, 0) > 0 || replaceByZeros(uffd, page, false) > 0) {
            return true;
        }
        uffd.tryWake(hva, PAGE);
        return false;
    }

    /** Called once, when the memory is registered: pages that are known to be there. */
    void begin(ShardOf shards) {}

    /** Finds the userfaultfd of a page. */
    interface ShardOf {
        Userfaultfd uffd(int page);
    }

    /** How many pages a call has settled; 0 if it wants more thought. */
    private int settle(
            Userfaultfd uffd,
            int first,
            int length,
            long result,
            Cause cause,
            Path path,
            int drops) {
        if (result > 0) {
            int done = Math.min((int) (result / PAGE), length);
            outcome.arrived(first, done, cause, path, drops);
            return done;
        }
        if (Errno.EEXIST.is(result)) {
            outcome.arrived(first, 1, cause, path, drops);
            // Whoever was told to wait before the page came is not woken by a call that failed.
            uffd.tryWake(states.memory.hva(first), PAGE);
            return 1;
        }
        return 0;
    }

    private void rest(int first, int count, long result, Path path) {
        if (Errno.EAGAIN.is(result)) {
            outcome.released(first, count, true);
        } else if (Errno.ENOENT.is(result) || Errno.ESRCH.is(result)) {
            outcome.gone(first, count);
        } else {
            String operation = path == Path.ZERO ? "UFFDIO_ZEROPAGE" : "UFFDIO_" + path;
            outcome.failed(first, count, operation, Errno.of(result));
        }
    }
}
