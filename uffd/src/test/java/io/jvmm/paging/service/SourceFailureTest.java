// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Sources that fail in parts, throw, leave something behind, or keep nobody's contract. */
@RequiresUserfaultfd
@Timeout(120)
class SourceFailureTest {

    private static final long MIB = 1 << 20;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    private final PatternSource pattern = new PatternSource();

    /** A synchronous source that does with each request what a test says. */
    private abstract static class Scripted implements PageSource {
        final AtomicInteger fetches = new AtomicInteger();

        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            fetch(request, first, count, fetches.getAndIncrement());
        }

        abstract void fetch(PageRequest request, int first, int count, int number);

        @Override
        public void close() {}
    }

    /** Half of a unit is away for a while, half of it is gone for good. */
    @Test
    void pagesThatAreOnlyAwayAreNotLostWithTheirNeighbours() {
        PageSource source =
                new Scripted() {
                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        if (number == 0) {
                            request.failed(4, 4, PageFailure.LOST);
                            request.failed(0, 4, PageFailure.AWAY);
                        } else {
                            pattern.fetch(request, first, count);
                        }
                    }
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(2 * MIB, false, source, QUIET.withUnit(8, 8))) {
            Toucher toucher = memory.reader(1);
            assertThat(memory.event(PagingEvent.Lost.class::isInstance))
                    .isEqualTo(new PagingEvent.Lost(4 * Pattern.PAGE, 4));
            assertThat(toucher.result()).isZero();
            Pattern.assertAt(memory.segment(), Pattern.PAGE, Pattern.PAGE);
        }
    }

    /** A mapped file that gets shorter shows as an error, not as an exception. */
    @Test
    void anErrorOutOfASourceIsToldAndThePageComesLater() throws InterruptedException {
        AtomicBoolean broken = new AtomicBoolean(true);
        PageSource source =
                new Scripted() {
                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        if (request.gpa() == 0 && broken.get()) {
                            throw new InternalError("as a bus error shows in Java code");
                        }
                        pattern.fetch(request, first, count);
                    }
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(2 * MIB, false, source, QUIET.withUnit(1, 1))) {
            Toucher waiting = memory.reader(0);
            assertThat(List.of(memory.events.take(), memory.events.take()))
                    .hasAtLeastOneElementOfType(PagingEvent.Failed.class)
                    .contains(new PagingEvent.SourceAway());
            assertThat(memory.reader(1).result()).isZero();
            assertThat(waiting.isDone()).isFalse();
            broken.set(false);
            assertThat(waiting.result()).isZero();
            Pattern.assertAt(memory.segment(), 0, 0);
            assertThat(memory.service.statistics().lostPages()).isZero();
        }
    }

    /** Memory is short for a moment, again and again, while everything is brought. */
    @Test
    void noPageIsLostForAnErrorThatPasses() {
        PageSource source =
                new Scripted() {
                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        if (number % 5 == 0) {
                            throw new OutOfMemoryError("for now");
                        }
                        pattern.fetch(request, first, count);
                    }
                };
        PagingConfig config = PagingConfig.defaults().withUnit(64, 64);
        try (PagedGuestMemory memory = PagedGuestMemory.of(8 * MIB, false, source, config)) {
            assertThat(memory.read(1000)).isZero();
            memory.awaitAllPresent();
            memory.assertContent(pattern);
            assertThat(memory.service.statistics().lostPages()).isZero();
            assertThat(memory.events).noneMatch(PagingEvent.Lost.class::isInstance);
        }
    }

    @Test
    void aSourceThatThrowsAfterItsAnswerHurtsNobodyElse() {
        PageSource source =
                new Scripted() {
                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        pattern.fetch(request, first, count);
                        throw new IllegalStateException("too late");
                    }
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        16 * MIB, false, source, PagingConfig.defaults().withUnit(1, 1))) {
            Toucher[] touchers = new Toucher[4];
            for (int i = 0; i < touchers.length; i++) {
                int own = i;
                touchers[i] =
                        Toucher.start(() -> {
                            long failed = 0;
                            for (int page = own; page < memory.pages(); page += 4) {
                                failed |= memory.read(page);
                            }
                            return failed;
                        });
            }
            for (Toucher toucher : touchers) {
                assertThat(toucher.result()).isZero();
            }
            memory.awaitAllPresent();
            memory.assertContent(pattern);
            assertThat(memory.events).noneMatch(PagingEvent.Lost.class::isInstance);
        }
    }

    /** What a connection that broke off has left in the file's cache shows nowhere. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPageThatWasHalfWrittenAndIsZeroAfterAllIsZero(boolean shared) {
        PageSource source =
                new Scripted() {
                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        if (number == 0) {
                            request.memory()
                                    .asSlice(request.offset(), count * Pattern.PAGE / 2)
                                    .fill((byte) 0x66);
                            request.failed(first, count, PageFailure.AWAY);
                        } else {
                            request.zero(first, count);
                        }
                    }
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(2 * MIB, shared, source, QUIET.withUnit(16, 16))) {
            assertThat(memory.reader(3).result()).isZero();
            for (int page = 0; page < 16; page++) {
                memory.service.populate(page * Pattern.PAGE, 1, Duration.ofSeconds(60));
                assertThat(Pattern.isFullOf(memory.segment(), page * Pattern.PAGE, 0)).isTrue();
            }
        }
    }

    /** In a run of its own, or among others: the fault must not wait behind what nobody needs. */
    @Test
    void pagesThatAreOfferedAndThatSomebodyWaitsForAreUrgent() {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.cut();
        PagingConfig config = QUIET.withUnit(1, 1);
        try (PagedGuestMemory memory = PagedGuestMemory.of(4 * MIB, false, source, config)) {
            Toucher toucher = memory.reader(100);
            memory.event(PagingEvent.SourceAway.class::isInstance);
            PageRequest urgent = null;
            while (urgent == null) {
                // While the source is asked again, the page is not to be had.
                urgent = source.sink().offer(0, 512);
            }
            assertThat(urgent.priority()).isEqualTo(Priority.URGENT);
            PageRequest other = Objects.requireNonNull(source.sink().offer(2 * MIB, 512));
            assertThat(other.priority()).isEqualTo(Priority.SWEEP);
            pattern.fetch(urgent, 0, 512);
            pattern.fetch(other, 0, 512);
            assertThat(toucher.result()).isZero();
            memory.awaitComplete();
            memory.assertContent(pattern);
        }
    }

    /** Nothing of it reaches the request's next life. */
    @Test
    void aSourceThatAnswersTwiceChangesNothing() {
        PageSource source =
                new Scripted() {
                    private @Nullable PageRequest last;

                    @Override
                    void fetch(PageRequest request, int first, int count, int number) {
                        if (last != null && last != request) {
                            last.failed(0, last.pages(), PageFailure.LOST);
                            last.zero(0, last.pages());
                        }
                        last = request;
                        pattern.fetch(request, first, count);
                        request.zero(first, count);
                        request.failed(first, count, PageFailure.LOST);
                    }
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(4 * MIB, false, source, QUIET.withUnit(1, 1))) {
            for (int page = 0; page < memory.pages(); page++) {
                assertThat(memory.read(page)).isZero();
            }
            memory.awaitComplete();
            memory.assertContent(pattern);
        }
    }

    /** Closing races with readers, workers and gated readers; none uses what is closed. */
    @Test
    void gatedReadersAreToldTheEndWhenTheServiceIsClosedUnderThem() {
        for (int round = 0; round < 20; round++) {
            PageSource source = round % 2 == 0 ? pattern : new RemoteSource(pattern, 2, 0);
            PagedGuestMemory memory =
                    PagedGuestMemory.of(16 * MIB, round % 4 < 2, source, QUIET.withUnit(1, 2));
            Toucher[] readers = new Toucher[3];
            for (int i = 0; i < readers.length; i++) {
                long first = i;
                readers[i] =
                        Toucher.start(() -> {
                            try {
                                for (long page = first; page < memory.pages(); page += 3) {
                                    memory.service.populate(
                                            page * Pattern.PAGE, 1, Duration.ofSeconds(60));
                                }
                            } catch (PagingException e) {
                                return e.reason() == PagingException.Reason.ENDED ? 0 : 1;
                            }
                            return 0;
                        });
                readers[i].threadId();
            }
            memory.service.close();
            for (Toucher reader : readers) {
                assertThat(reader.result()).isZero();
            }
            memory.close();
            assertThat(memory.events).noneMatch(PagingEvent.Failed.class::isInstance);
        }
    }
}
