// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.source.CompositePageSource;
import io.jvmm.paging.source.ZeroPageSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A source may end its connection when all pages are installed, and not when all are delivered. */
@RequiresUserfaultfd
@Timeout(120)
class AllInstalledTest {

    private static final PagingConfig QUIET =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);

    private static final class Watched implements PageSource {
        final AtomicInteger told = new AtomicInteger();
        final CountDownLatch installed = new CountDownLatch(1);
        final AtomicBoolean askedAfterwards = new AtomicBoolean();
        final AtomicBoolean away = new AtomicBoolean();
        private final PatternSource pattern = new PatternSource();

        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            if (told.get() > 0) {
                askedAfterwards.set(true);
            }
            if (away.get()) {
                request.failed(first, count, PageFailure.AWAY);
            } else {
                pattern.fetch(request, first, count);
            }
        }

        @Override
        public void allInstalled() {
            told.incrementAndGet();
            installed.countDown();
        }

        @Override
        public void close() {}
    }

    private final Watched source = new Watched();

    @Test
    void aSourceIsToldWhenTheLastPageIsInstalled() throws InterruptedException {
        try (PagedGuestMemory memory = PagedGuestMemory.of(64 * 4096, false, source, QUIET)) {
            for (int page = 0; page < 63; page++) {
                assertThat(memory.read(page)).isZero();
            }
            source.away.set(true);
            Toucher last = memory.reader(63);
            memory.event(PagingEvent.SourceAway.class::isInstance);
            assertThat(source.told).hasValue(0);
            source.away.set(false);
            assertThat(last.result()).isZero();
            source.installed.await();
            assertThat(memory.service.allPresent()).isTrue();
        }
        assertThat(source.told).hasValue(1);
    }

    @Test
    void everyLayerIsTold() throws InterruptedException {
        PageSource layers = new CompositePageSource(List.of(source, new ZeroPageSource()));
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(1 << 20, false, layers, PagingConfig.defaults())) {
            memory.awaitComplete();
            source.installed.await();
        }
    }

    /** The kernel refuses pages with {@code EAGAIN} while others of the process are dropped. */
    @Test
    void aPageThatWasDeliveredButNotInstalledIsAskedForBeforeTheSourceIsTold()
            throws InterruptedException {
        try (PagedGuestMemory memory = PagedGuestMemory.of(64 * 4096, false, source, QUIET)) {
            AtomicBoolean done = new AtomicBoolean();
            Toucher dropper =
                    Toucher.start(() -> {
                        long failed = 0;
                        while (!done.get()) {
                            failed |= memory.memory.tryAdvise(Advice.DONTNEED, 0, Pattern.PAGE);
                        }
                        return failed;
                    });
            for (int page = 1; page < 64; page++) {
                assertThat(memory.read(page)).isZero();
                Pattern.assertAt(memory.segment(), page * Pattern.PAGE, page * Pattern.PAGE);
            }
            done.set(true);
            assertThat(dropper.result()).isZero();
            assertThat(memory.read(0)).isZero();
            memory.awaitComplete();
            source.installed.await();
        }
        assertThat(source.told).hasValue(1);
        assertThat(source.askedAfterwards).isFalse();
    }
}
