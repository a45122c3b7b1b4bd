// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.PageFiller;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingStatistics.Path;

import java.lang.foreign.MemorySegment;

/**
 * Private anonymous memory: a whole chunk into which nothing was put before is moved, page tables
 * and all; anything else is copied.
 */
final class AnonymousInstaller extends Installer implements AutoCloseable {

    private static final int PAGE = PageRequest.PAGE_BYTES;
    private static final int CHUNK = PresenceMap.CHUNK_PAGES;
    // Below that many pages with content, zeros that cost no memory are worth more than speed.
    private static final int WORTH_MOVING = CHUNK / 2;

    private final TransferPool pool;
    private final Mapping zeroPage = Mapping.anonymous(PAGE);

    AnonymousInstaller(PageStates states, Outcome outcome, TransferPool pool) {
        super(states, outcome);
        this.pool = pool;
    }

    @Override
    MemorySegment memory(Transfer transfer) {
        return pool.staging().segment();
    }

    @Override
    long offset(Transfer transfer) {
        return pool.offset(transfer);
    }

    @Override
    boolean movesWhole(Transfer transfer) {
        return transfer.count() == CHUNK
                && !states.isFragmented(PageStates.chunk(transfer.first()));
    }

    @Override
    int installWhole(Userfaultfd uffd, Transfer transfer) {
        int first = transfer.first();
        PageRequest request = transfer.request;
        if (!uffd.features().contains(Feature.MOVE)
                || states.isFragmented(PageStates.chunk(first))
                || states.isDropped(first, CHUNK)
                || !request.isComplete()
                || CHUNK - request.zeros() < WORTH_MOVING) {
            return 0;
        }
        clearZeros(request);
        long offset = offset(transfer);
        long length = (long) CHUNK * PAGE;
        long hva = states.memory.hva(first);
        int drops = states.drops();
        long result = uffd.tryMove(hva, memory(transfer), offset, length, mode());
        if (result <= 0) {
            return 0;
        }
        int done = (int) (result / PAGE);
        outcome.arrived(first, done, transfer.cause(), Path.MOVE, drops);
        pool.moved(transfer);
        return done;
    }

    // A source need not write pages that it calls zero, and staging holds what was there before.
    private static void clearZeros(PageRequest request) {
        if (request.zeros() == 0) {
            return;
        }
        for (int page = 0; page < request.pages(); page++) {
            if (request.isZero(page)) {
                request.memory()
                        .asSlice(request.offset() + (long) page * PAGE, PAGE)
                        .fill((byte) 0);
            }
        }
    }

    @Override
    long putFilled(Userfaultfd uffd, long hva, MemorySegment from, long offset, long length) {
        return uffd.tryCopy(hva, from, offset, length, mode());
    }

    @Override
    long putPage(PageFiller filler, long gpa, long hva, MemorySegment from, long offset) {
        return filler.tryCopy(hva, from, offset);
    }

    @Override
    long replaceByZeros(Userfaultfd uffd, int page, boolean unseen) {
        return uffd.tryCopy(states.memory.hva(page), zeroPage.segment(), 0, PAGE, mode());
    }

    @Override
    Path filledPath() {
        return Path.COPY;
    }

    @Override
    public void close() {
        zeroPage.close();
    }
}
