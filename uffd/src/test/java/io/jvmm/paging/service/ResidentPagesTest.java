// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.source.MemoryPageSource;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Pages of a source that has them in memory come from there, and are the right ones. */
@RequiresUserfaultfd
@Timeout(120)
class ResidentPagesTest {

    private static final long PAGE = Pattern.PAGE;
    private static final long MIB = 1 << 20;
    private static final long BYTES = 8 * MIB;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    @TempDir java.nio.file.Path folder;

    private final PatternSource pattern = new PatternSource();

    /** An image in memory that counts what is fetched all the same. */
    private static final class Image implements PageSource {
        final AtomicInteger fetched = new AtomicInteger();
        private final MemoryPageSource source;

        Image() {
            MemorySegment image = Arena.ofAuto().allocate(BYTES, PAGE);
            Pattern.fill(image, 0, 0, (int) (BYTES / PAGE));
            source = new MemoryPageSource(0, image);
        }

        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            fetched.addAndGet(count);
            source.fetch(request, first, count);
        }

        @Override
        public @Nullable MemorySegment resident(long gpa, int pages) {
            return source.resident(gpa, pages);
        }

        @Override
        public long residentOffset(long gpa) {
            return source.residentOffset(gpa);
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "false, 16", "true, 1", "true, 16", "true, 512"})
    void nothingIsFetchedThatCanBeCopiedFromWhereItLies(boolean shared, int unit) {
        Image image = new Image();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, shared, image, QUIET.withUnit(unit, unit))) {
            for (int page = memory.pages() - 1; page >= 0; page--) {
                assertThat(memory.read(page)).isZero();
            }
            memory.awaitComplete();
            memory.assertContent(pattern);
            assertThat(image.fetched).hasValue(0);
            PagingStatistics statistics = memory.service.statistics();
            assertThat(statistics.bytes(shared ? Path.CONTINUE : Path.COPY)).isEqualTo(BYTES);
            assertThat(statistics.pages(Cause.FAULT)).isEqualTo(memory.pages());
            assertThat(statistics.faults(Fault.EMPTY)).isEqualTo(memory.pages() / unit);
            memory.awaitStalls(memory.pages() / unit);
        }
    }

    /** A file is written in the quick way, which not all of them let one. */
    @ParameterizedTest
    @ValueSource(ints = {1, 16})
    void aFileThatCanOnlyBeMappedIsFilledAllTheSame(int unit) {
        Image image = new Image();
        try (Memfd file = Memfd.create("mapped", BYTES);
                Mapping alias = file.mapShared();
                Mapping memory = file.mapShared();
                Fd readOnly = Fd.open("/proc/self/fd/" + file.fd().number(), Fd.O_RDONLY)) {
            PagingConfig config =
                    QUIET.withUnit(unit, unit)
                            .withAliases(
                                    List.of(
                                            new PagingConfig.Alias(
                                                    0, alias.segment(), readOnly, 0)));
            try (FaultService service = new FaultService(image, config, _ -> {})) {
                service.attach(List.of(new GuestRange(0, memory.address(), BYTES)));
                assertThat(memory.tryAdvise(Advice.POPULATE_READ, 0, BYTES)).isZero();
                for (long gpa = 0; gpa < BYTES; gpa += PAGE) {
                    Pattern.assertAt(memory.segment(), gpa, gpa);
                }
            }
        }
    }

    /** It is moved into place as a huge page, which nobody can lend. */
    @Test
    void aWholeChunkIsFetched() {
        Image image = new Image();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        BYTES, false, image, PagingConfig.defaults().withUnit(512, 512))) {
            memory.awaitComplete();
            memory.assertContent(pattern);
            assertThat(image.fetched).hasValue(memory.pages());
            assertThat(memory.service.statistics().bytes(Path.MOVE)).isEqualTo(BYTES);
        }
    }

    /** What is left of chunks that are no longer whole, from several threads at once. */
    @ParameterizedTest
    @CsvSource({"false, 64, 4", "true, 64, 4", "false, 1, 4", "true, 1, 4", "false, 1, 1"})
    void readersAndWorkersCopySideBySide(boolean shared, int unit, int shards) {
        Image image = new Image();
        PagingConfig config = PagingConfig.defaults().withUnit(1, unit).withShards(shards);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, shared, image, config)) {
            Toucher[] touchers = new Toucher[4];
            for (int t = 0; t < touchers.length; t++) {
                int start = t;
                touchers[t] =
                        Toucher.start(() -> {
                            long failed = 0;
                            for (int page = start; page < memory.pages(); page += 3) {
                                failed |= memory.read(page);
                            }
                            return failed;
                        });
            }
            for (Toucher toucher : touchers) {
                assertThat(toucher.result()).isZero();
            }
            memory.awaitComplete();
            memory.assertContent(pattern);
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "false, 16", "true, 1", "true, 16"})
    void whatWasDroppedIsZeroAndItsNeighboursAreNot(boolean shared, int unit) {
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, shared, new Image(), QUIET.withUnit(unit, unit))) {
            memory.service.dropped(5 * PAGE, PAGE);
            for (int page : new int[] {4, 5, 6}) {
                assertThat(memory.read(page)).isZero();
            }
            Pattern.assertAt(memory.segment(), 4 * PAGE, 4 * PAGE);
            assertThat(Pattern.isFullOf(memory.segment(), 5 * PAGE, 0)).isTrue();
            Pattern.assertAt(memory.segment(), 6 * PAGE, 6 * PAGE);
        }
    }

    /** The kernel says so where it copies, and Java's runtime where Java does. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pagesBehindTheEndOfAMappedFileThatGotShorterComeWhenItIsLongerAgain(boolean shared)
            throws IOException, InterruptedException {
        try (FileChannel file =
                        FileChannel.open(
                                folder.resolve("image"),
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE);
                Arena arena = Arena.ofShared()) {
            MemorySegment image = file.map(FileChannel.MapMode.READ_WRITE, 0, BYTES, arena);
            Pattern.fill(image, 0, 0, (int) (BYTES / PAGE));
            file.truncate(BYTES / 2);
            PageSource source = new MemoryPageSource(0, image);
            try (PagedGuestMemory memory =
                    PagedGuestMemory.of(BYTES, shared, source, QUIET.withUnit(1, 1))) {
                int last = memory.pages() - 1;
                Toucher waiting = memory.reader(last);
                assertThat(memory.events.take()).isInstanceOf(PagingEvent.Failed.class);
                assertThat(memory.read(7)).isZero();
                Pattern.assertAt(memory.segment(), 7 * PAGE, 7 * PAGE);
                assertThat(waiting.isDone()).as("never with wrong content").isFalse();
                assertThat(memory.service.statistics().lostPages()).isZero();
                file.write(ByteBuffer.wrap(new byte[] {0}), BYTES - 1);
                assertThat(waiting.result()).isZero();
                assertThat(Pattern.isFullOf(memory.segment(), last * PAGE, 0)).isTrue();
            }
        }
    }

    @Test
    void anErrorOutOfASourceIsToldAndThePageAskedForAgain() throws InterruptedException {
        AtomicBoolean broken = new AtomicBoolean(true);
        PageSource source =
                new PageSource() {
                    @Override
                    public boolean isSynchronous() {
                        return true;
                    }

                    @Override
                    public @Nullable MemorySegment resident(long gpa, int pages) {
                        if (gpa == 0 && broken.get()) {
                            throw new IllegalStateException("not now");
                        }
                        return null;
                    }

                    @Override
                    public void fetch(PageRequest request, int first, int count) {
                        pattern.fetch(request, first, count);
                    }

                    @Override
                    public void close() {}
                };
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(2 * MIB, false, source, QUIET.withUnit(1, 1))) {
            Toucher waiting = memory.reader(0);
            assertThat(memory.events.take()).isInstanceOf(PagingEvent.Failed.class);
            assertThat(memory.events.take()).isEqualTo(new PagingEvent.SourceAway());
            assertThat(memory.reader(1).result()).isZero();
            assertThat(waiting.isDone()).isFalse();
            broken.set(false);
            assertThat(waiting.result()).isZero();
            Pattern.assertAt(memory.segment(), 0, 0);
        }
    }
}
