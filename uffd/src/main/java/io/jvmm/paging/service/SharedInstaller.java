// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.uffd.PageFiller;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingStatistics.Path;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A memfd: the source fills the file through a second mapping, or what it has in memory is written
 * to the file, and each page is then mapped where the guest sees it. Only pages that are named are
 * mapped: that the file may hold more of them, such as the rest of a huge page, shows nowhere.
 */
final class SharedInstaller extends Installer {

    private static final int PAGE = PageRequest.PAGE_BYTES;

    private final List<PagingConfig.Alias> aliases;
    private final long[] starts;
    private final MemorySegment[] memories;

    SharedInstaller(PageStates states, Outcome outcome, List<PagingConfig.Alias> aliases) {
        super(states, outcome);
        this.aliases = aliases;
        starts = aliases.stream().mapToLong(PagingConfig.Alias::gpa).toArray();
        memories = aliases.stream().map(PagingConfig.Alias::memory).toArray(MemorySegment[]::new);
        for (GuestRange range : states.memory.ranges()) {
            int alias = indexOf(range.gpa());
            if (alias < 0 || range.endGpa() > starts[alias] + memories[alias].byteSize()) {
                throw new IllegalArgumentException("no alias covers " + range);
            }
        }
    }

    /** What the file holds already is content: it is mapped, not fetched. */
    @Override
    void begin(ShardOf shards) {
        for (PagingConfig.Alias alias : aliases) {
            long end = alias.offset() + alias.memory().byteSize();
            long at = alias.file().nextData(alias.offset());
            while (at >= 0 && at < end) {
                long hole = Math.min(end, alias.file().nextHole(at));
                mapExisting(shards, alias.gpa() + at - alias.offset(), hole - at);
                at = hole < end ? alias.file().nextData(hole) : -1;
            }
        }
    }

    private void mapExisting(ShardOf shards, long gpa, long length) {
        for (long at = 0; at < length; at += PAGE) {
            int page = states.memory.ofGpa(gpa + at);
            if (page != PageStates.NONE && states.map.claim(page)) {
                long result = shards.uffd(page).tryContinue(states.memory.hva(page), PAGE, 0);
                if (result == PAGE || Errno.EEXIST.is(result)) {
                    states.map.arrive(page, 1);
                } else {
                    states.map.release(page, 1);
                }
            }
        }
    }

    private int indexOf(long gpa) {
        for (int i = 0; i < starts.length; i++) {
            if (gpa >= starts[i] && gpa - starts[i] < memories[i].byteSize()) {
                return i;
            }
        }
        return -1;
    }

    @Override
    MemorySegment memory(Transfer transfer) {
        return memories[indexOf(states.memory.gpa(transfer.first()))];
    }

    @Override
    long offset(Transfer transfer) {
        long gpa = states.memory.gpa(transfer.first());
        return gpa - starts[indexOf(gpa)];
    }

    @Override
    void stage(int first, int count, MemorySegment from, long offset) {
        stage(states.memory.gpa(first), (long) count * PAGE, from, offset);
    }

    // Writing costs the kernel less than a fault of the second mapping for each page, and it need
    // not clear first what is overwritten. What cannot be written is copied.
    private void stage(long gpa, long bytes, MemorySegment from, long offset) {
        int index = indexOf(gpa);
        PagingConfig.Alias alias = aliases.get(index);
        long at = gpa - starts[index];
        if (alias.file().tryWrite(from, offset, bytes, alias.offset() + at) != bytes) {
            MemorySegment.copy(from, offset, memories[index], at, bytes);
        }
    }

    @Override
    long putPage(PageFiller filler, long gpa, long hva, MemorySegment from, long offset) {
        stage(gpa, PAGE, from, offset);
        return filler.tryContinue(hva);
    }

    @Override
    long putFilled(Userfaultfd uffd, long hva, MemorySegment from, long offset, long length) {
        return uffd.tryContinue(hva, length, mode());
    }

    @Override
    long replaceByZeros(Userfaultfd uffd, int page, boolean unseen) {
        if (unseen) {
            // The file has the page because the source has written a part of it, at another
            // attempt perhaps.
            long gpa = states.memory.gpa(page);
            int alias = indexOf(gpa);
            memories[alias].asSlice(gpa - starts[alias], PAGE).fill((byte) 0);
        }
        return uffd.tryContinue(states.memory.hva(page), PAGE, mode());
    }

    @Override
    Path filledPath() {
        return Path.CONTINUE;
    }
}
