// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Guest memory of one range, all of it missing, and the service that brings it. */
public final class PagedGuestMemory implements AutoCloseable {

    static final long PAGE = Pattern.PAGE;

    final long gpa;
    final Mapping memory;
    final FaultService service;
    final BlockingQueue<PagingEvent> events = new LinkedBlockingQueue<>();
    final @Nullable Memfd file;
    final @Nullable Mapping alias;

    private PagedGuestMemory(
            long gpa,
            long bytes,
            boolean shared,
            PageSource source,
            PagingConfig config,
            FaultMode mode) {
        this.gpa = gpa;
        if (shared) {
            file = Memfd.create("paged", bytes);
            alias = file.mapShared();
            memory = file.mapShared();
            config =
                    config.withAliases(
                            List.of(new PagingConfig.Alias(gpa, alias.segment(), file.fd(), 0)));
        } else {
            file = null;
            alias = null;
            memory = Mapping.anonymous(bytes);
            memory.tryAdvise(Advice.HUGEPAGE, 0, bytes);
        }
        service = new FaultService(source, config, mode, events::add);
    }

    static PagedGuestMemory unattached(
            long gpa, long bytes, boolean shared, PageSource source, PagingConfig config) {
        return new PagedGuestMemory(gpa, bytes, shared, source, config, FaultMode.BLOCKING);
    }

    /** Not attached, for threads that come to missing pages in this way. */
    static PagedGuestMemory in(
            FaultMode mode, long bytes, boolean shared, PageSource source, PagingConfig config) {
        return new PagedGuestMemory(Ring3Guest.BASE, bytes, shared, source, config, mode);
    }

    public static PagedGuestMemory of(
            long bytes, boolean shared, PageSource source, PagingConfig config) {
        PagedGuestMemory made = unattached(0, bytes, shared, source, config);
        made.attach();
        return made;
    }

    void attach() {
        service.attach(List.of(new GuestRange(gpa, memory.address(), memory.sizeBytes())));
    }

    public MemorySegment segment() {
        return memory.segment();
    }

    int pages() {
        return (int) (memory.sizeBytes() / PAGE);
    }

    /** Touches a page by a system call; 0 if it is there then. */
    public long read(int page) {
        return memory.tryAdvise(Advice.POPULATE_READ, page * PAGE, PAGE);
    }

    Toucher reader(int page) {
        return Toucher.start(() -> read(page));
    }

    /** Waits until an event comes. */
    PagingEvent event(Predicate<PagingEvent> wanted) {
        try {
            while (true) {
                PagingEvent event = events.poll(60, TimeUnit.SECONDS);
                assertThat(event).as("an event").isNotNull();
                if (event instanceof PagingEvent.Failed failed) {
                    throw new AssertionError(failed.cause());
                }
                if (wanted.test(event)) {
                    return event;
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    public void awaitComplete() {
        event(PagingEvent.Complete.class::isInstance);
    }

    /** Who touches a page, or asks for it, goes on a moment before it is counted as present. */
    void awaitAllPresent() {
        while (!service.allPresent()) {
            // By the test's time limit.
            if (Thread.interrupted()) {
                throw new AssertionError(service.statistics().missingPages() + " pages missing");
            }
            Thread.onSpinWait();
        }
    }

    /** Who has waited goes on a moment before it is noted how long. */
    void awaitStalls(long least) {
        while (service.statistics().stalls().count() < least) {
            // By the test's time limit.
            if (Thread.interrupted()) {
                throw new AssertionError(service.statistics() + " has too few stalls");
            }
            Thread.onSpinWait();
        }
    }

    void assertContent(PatternSource source) {
        assertThat(service.allPresent()).isTrue();
        for (int page = 0; page < pages(); page++) {
            long at = gpa + page * PAGE;
            long value = source.isZero(at) ? 0 : Pattern.of(at);
            assertThat(Pattern.isFullOf(segment(), page * PAGE, value))
                    .as("page %d", page)
                    .isTrue();
        }
    }

    @Override
    public void close() {
        service.close();
        memory.close();
        if (alias != null) {
            alias.close();
        }
        if (file != null) {
            file.close();
        }
    }
}
