// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.PageFiller;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * The loop of {@code paging.c} in Java, with nothing around it: one thread reads one message and
 * puts one page in place. Between it and the C program lies what two system calls cost from Java;
 * between it and the fault service, what the service keeps account of.
 */
final class BareLoop {

    private static final long PAGE = 4096;

    private final Userfaultfd uffd;
    private final PageFiller filler;
    private final Mapping memory;
    private final @Nullable Mapping alias;
    private final MemorySegment page;
    private final FaultMessages messages = new FaultMessages(1);

    private BareLoop(
            Userfaultfd uffd, Mapping memory, @Nullable Mapping alias, MemorySegment page) {
        this.uffd = uffd;
        filler = uffd.pageFiller();
        this.memory = memory;
        this.alias = alias;
        this.page = page;
    }

    /**
     * Nanoseconds until a guest has read all of a memory in which nothing is.
     *
     * @param alias a second mapping of the memory, in which pages are filled; null if it is
     *     anonymous
     */
    static long nanos(int ring, int vcpus, Mapping memory, @Nullable Mapping alias)
            throws InterruptedException {
        long pages = memory.sizeBytes() / PAGE;
        try (Mapping source = Mapping.anonymous(PAGE);
                ReadingGuest guest = new ReadingGuest(ring, vcpus, pages);
                Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID))) {
            MemorySegment page = source.segment().fill((byte) ReadingGuest.WORD);
            uffd.register(
                    memory.address(),
                    memory.sizeBytes(),
                    alias == null
                            ? Set.of(Tracking.MISSING)
                            : Set.of(Tracking.MISSING, Tracking.MINOR));
            guest.addMemory(memory);
            BareLoop loop = new BareLoop(uffd, memory, alias, page);
            Thread reader =
                    Thread.ofPlatform().daemon().name("bare-loop").start(() -> loop.run(pages));
            long took = guest.run(null);
            reader.join();
            return took;
        }
    }

    private void run(long pages) {
        for (long done = 0; done < pages; done++) {
            serve();
        }
    }

    private void serve() {
        int count = uffd.tryRead(messages, 1);
        if (count != 1) {
            throw new IllegalStateException("reading a message came to " + count);
        }
        long address = messages.at(0).address();
        long done = put(address);
        if (done != PAGE) {
            throw new IllegalStateException("putting a page in place came to " + done);
        }
    }

    private long put(long address) {
        if (alias == null) {
            return filler.tryCopy(address, page, 0);
        }
        MemorySegment.copy(page, 0, alias.segment(), address - memory.address(), PAGE);
        return filler.tryContinue(address);
    }
}
