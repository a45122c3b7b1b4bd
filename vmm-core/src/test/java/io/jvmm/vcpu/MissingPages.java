// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.FaultMessage;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;

import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Pages of a guest's memory that are not there, and the thread that hears who wants them. */
final class MissingPages implements PageWaits, AutoCloseable {

    static final int PAGE = 4096;

    /** Decides about a fault, on the thread of this class. */
    interface Server {

        /**
         * A thread wants a page.
         *
         * @param gpa guest-physical address of the page
         */
        void wanted(MissingPages pages, long gpa);
    }

    private static final int POLL_MILLIS = 50;

    private final Mapping memory;
    private final Server server;
    private final Mapping staging = Mapping.anonymous(PAGE);
    private final Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID));
    private final Map<Integer, Long> waiting = new ConcurrentHashMap<>();
    private final Set<Long> present = new HashSet<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private volatile boolean closing;

    /** Takes pages of the memory away; what they held is lost. */
    MissingPages(Mapping memory, long gpa, long length, Server server) {
        this.memory = memory;
        this.server = server;
        memory.advise(Advice.DONTNEED, gpa, length);
        uffd.setNonBlocking(true);
        uffd.register(memory.address() + gpa, length, Set.of(Tracking.MISSING));
        Thread.ofPlatform()
                .name("missing-pages")
                .start(() -> {
                    try {
                        read();
                        ended.complete(null);
                    } catch (Throwable e) {
                        ended.completeExceptionally(e);
                    }
                });
    }

    private void read() {
        FaultMessages messages = new FaultMessages(16);
        while (!closing) {
            if (uffd.fd().poll(Fd.POLLIN, POLL_MILLIS) == 0) {
                continue;
            }
            int count = uffd.tryRead(messages);
            for (int i = 0; i < count; i++) {
                FaultMessage message = messages.at(i);
                long page = (message.address() & -PAGE) - memory.address();
                note(message.threadId(), page);
                server.wanted(this, page);
            }
        }
    }

    /** A message may be read when its page has come already. */
    private synchronized void note(int threadId, long gpa) {
        if (!present.contains(gpa)) {
            waiting.put(threadId, gpa);
        }
    }

    @Override
    public boolean isWaiting(int threadId) {
        return waiting.containsKey(threadId);
    }

    /** Where the content of the next page to {@link #bring} is prepared. */
    MemorySegment staging() {
        return staging.segment();
    }

    /** Makes a page present, with the content of {@link #staging}. */
    void bring(long gpa) {
        synchronized (this) {
            present.add(gpa);
            waiting.values().removeAll(Set.of(gpa));
        }
        long done;
        do {
            done = uffd.tryCopy(memory.address() + gpa, staging.segment(), 0, PAGE, 0);
        } while (Errno.EAGAIN.is(done));
        if (done < 0 && !Errno.EEXIST.is(done)) {
            throw new IllegalStateException("UFFDIO_COPY: " + Errno.of(done));
        }
        if (done < 0) {
            int _ = uffd.tryWake(memory.address() + gpa, PAGE);
        }
    }

    /** Takes a page away again. */
    void drop(long gpa) {
        synchronized (this) {
            present.remove(gpa);
        }
        memory.advise(Advice.DONTNEED, gpa, PAGE);
    }

    /** Lets everybody go who waits. */
    void letGo(long gpa, long length) {
        uffd.unregister(memory.address() + gpa, length);
    }

    /**
     * Ends the thread.
     *
     * @throws java.util.concurrent.CompletionException it has failed
     */
    @Override
    public void close() {
        closing = true;
        try {
            ended.join();
        } finally {
            uffd.close();
            staging.close();
        }
    }
}
