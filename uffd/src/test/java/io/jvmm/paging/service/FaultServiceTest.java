// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.WorkingSet;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;

/** Pages come, from every kind of source into every kind of memory, and are the right ones. */
@RequiresUserfaultfd
@Timeout(120)
class FaultServiceTest {

    private static final long MIB = 1 << 20;
    private static final long BYTES = 32 * MIB;
    private static final int CHUNK = PresenceMap.CHUNK_PAGES;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    @ParameterizedTest
    @CsvSource({
        "false, 1, 1", "false, 16, 16", "false, 512, 512", "false, 1, 512",
        "true, 1, 1", "true, 16, 16", "true, 512, 512", "true, 1, 512"
    })
    void everyPageThatIsTouchedInWhateverOrderIsRight(boolean shared, int min, int max) {
        PatternSource source = new PatternSource(7);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, shared, source, QUIET.withUnit(min, max))) {
            int[] order = shuffled(memory.pages());
            for (int page : order) {
                assertThat(memory.read(page)).isZero();
            }
            memory.awaitComplete();
            memory.assertContent(source);
            PagingStatistics statistics = memory.service.statistics();
            assertThat(statistics.missingPages()).isZero();
            assertThat(statistics.waiting()).isZero();
            assertThat(statistics.pages(Cause.FAULT)).isEqualTo(memory.pages());
            assertThat(statistics.bytesByPath().values().stream().mapToLong(n -> n).sum())
                    .isEqualTo(BYTES);
            long faults = statistics.faults(Fault.EMPTY);
            memory.awaitStalls(faults);
            if (min == max) {
                assertThat(faults).isEqualTo(memory.pages() / max);
            }
        }
    }

    private static int[] shuffled(int pages) {
        int[] order = IntStream.range(0, pages).toArray();
        Random random = new Random(4);
        for (int i = pages - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[other];
            order[other] = swap;
        }
        return order;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theSweepBringsEverythingByItself(boolean shared) {
        PatternSource source = new PatternSource();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        BYTES, shared, source, PagingConfig.defaults().withUnit(512, 512))) {
            memory.awaitComplete();
            memory.assertContent(source);
            PagingStatistics statistics = memory.service.statistics();
            assertThat(statistics.pages(Cause.SWEEP)).isEqualTo(memory.pages());
            assertThat(statistics.bytes(shared ? Path.CONTINUE : Path.MOVE)).isEqualTo(BYTES);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "4, false", "8, false", "8, true"})
    void manyThreadsThatReadAndWriteAtOnceAllGetTheirPages(int threads, boolean shared) {
        PatternSource source = new PatternSource(5);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        BYTES,
                        shared,
                        new RemoteSource(source, 3, 20_000),
                        PagingConfig.defaults().withShards(4))) {
            Toucher[] touchers = new Toucher[threads];
            for (int t = 0; t < threads; t++) {
                Random random = new Random(t);
                touchers[t] =
                        Toucher.start(() -> {
                            long failed = 0;
                            for (int i = 0; i < 2 * memory.pages() / threads; i++) {
                                failed |= memory.read(random.nextInt(memory.pages()));
                            }
                            return failed;
                        });
            }
            for (Toucher toucher : touchers) {
                assertThat(toucher.result()).isZero();
            }
            memory.awaitComplete();
            memory.assertContent(source);
        }
    }

    @Test
    void memoryAboveFourGiBAndRangesApartAreAllServed() {
        PatternSource source = new PatternSource(3);
        long high = 4L << 30;
        try (PagedGuestMemory upper =
                        PagedGuestMemory.unattached(
                                high, 4 * MIB, false, source, PagingConfig.defaults());
                PagedGuestMemory lower =
                        PagedGuestMemory.unattached(
                                0, 640 << 10, false, source, PagingConfig.defaults())) {
            upper.service.attach(
                    List.of(
                            new GuestRange(high, upper.memory.address(), 4 * MIB),
                            new GuestRange(0, lower.memory.address(), 640 << 10)));
            assertThat(lower.read(159)).isZero();
            assertThat(upper.read(1023)).isZero();
            upper.awaitComplete();
            upper.assertContent(source);
            lower.assertContent(source);
        }
    }

    @Test
    void whatWasThereBeforeKeepsItsContent() {
        PatternSource source = new PatternSource();
        for (boolean shared : new boolean[] {false, true}) {
            try (PagedGuestMemory memory =
                    PagedGuestMemory.unattached(
                            0, 8 * MIB, shared, source, PagingConfig.defaults())) {
                // Or the first write would make all of a huge page present.
                memory.memory.tryAdvise(Advice.NOHUGEPAGE, 0, 8 * MIB);
                for (int page : new int[] {0, 511, 700}) {
                    memory.segment().asSlice(page * Pattern.PAGE, Pattern.PAGE).fill((byte) 0x11);
                }
                memory.attach();
                memory.awaitComplete();
                for (int page = 0; page < memory.pages(); page++) {
                    long expected =
                            page == 0 || page == 511 || page == 700
                                    ? 0x1111_1111_1111_1111L
                                    : Pattern.of(page * Pattern.PAGE);
                    assertThat(Pattern.isFullOf(memory.segment(), page * Pattern.PAGE, expected))
                            .as("page %d", page)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void theRecordedWorkingSetIsBroughtFirstTheNextTime() {
        PatternSource source = new PatternSource();
        WorkingSet recorded;
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, QUIET.withUnit(1, 1))) {
            for (int page : new int[] {5000, 17, 3000, 17}) {
                memory.read(page);
            }
            recorded = memory.service.workingSet();
        }
        assertThat(recorded)
                .isEqualTo(
                        WorkingSet.of(5000 * Pattern.PAGE, 17 * Pattern.PAGE, 3000 * Pattern.PAGE));
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        BYTES, false, source, QUIET.withUnit(1, 1).withWorkingSet(recorded))) {
            while (memory.service.statistics().pages(Cause.WORKING_SET) < 3) {
                Thread.onSpinWait();
            }
            for (int page : new int[] {5000, 17, 3000}) {
                assertThat(memory.read(page)).isZero();
            }
            assertThat(memory.service.statistics().faults(Fault.EMPTY)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 16, 512})
    void whatFollowsFaultsComesAheadWithoutTheRest(int unit) {
        PatternSource source = new PatternSource(5);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        4 * BYTES,
                        false,
                        source,
                        QUIET.withUnit(unit, unit).withNeighbours(true))) {
            // Two go through memory upwards, and a third one is here and there.
            int[] streams = {0, 16};
            for (int chunk : new int[] {40, 60, 50}) {
                assertThat(memory.read(chunk * CHUNK)).isZero();
            }
            for (int step = 0; step < 2; step++) {
                for (int stream : streams) {
                    assertThat(memory.read((stream + step) * CHUNK)).isZero();
                }
            }
            int ahead = FaultStreams.AHEAD * CHUNK;
            long expected = (long) streams.length * (ahead - unit);
            while (memory.service.statistics().pages(Cause.NEIGHBOUR) < expected) {
                Thread.onSpinWait();
            }
            for (int stream : streams) {
                for (int page = 0; page < ahead; page++) {
                    assertThat(memory.read((stream + 1) * CHUNK + page)).isZero();
                }
            }
            PagingStatistics statistics = memory.service.statistics();
            int faults = 3 + 2 * streams.length;
            assertThat(statistics.faults(Fault.EMPTY)).isEqualTo(faults);
            assertThat(statistics.pages(Cause.FAULT)).isEqualTo((long) faults * unit);
            assertThat(statistics.pages(Cause.NEIGHBOUR)).isEqualTo(expected);
            assertThat(statistics.pages(Cause.SWEEP)).isZero();
        }
    }

    @Test
    void whereNothingIsMissingNoThreadWakesUpByItself() {
        PatternSource source = new PatternSource();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, PagingConfig.defaults())) {
            memory.awaitComplete();
            PagingThreads.awaitAsleep("paging-worker");
            PagingThreads.awaitAsleep("paging-clock");
            for (int page : new int[] {3, 700}) {
                memory.memory.tryAdvise(Advice.DONTNEED, page * Pattern.PAGE, Pattern.PAGE);
                assertThat(memory.read(page)).isZero();
                assertThat(Pattern.isFullOf(memory.segment(), page * Pattern.PAGE, 0)).isTrue();
            }
            memory.awaitAllPresent();
            PagingThreads.awaitAsleep("paging-worker");
            PagingThreads.awaitAsleep("paging-clock");
        }
    }

    @Test
    void pagesThatTheSourcePushesAreTaken() {
        PatternSource pattern = new PatternSource();
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, QUIET)) {
            for (long gpa = 0; gpa < BYTES; gpa += 2 * MIB) {
                PageRequest place = Objects.requireNonNull(source.sink().offer(gpa, 512));
                pattern.fetch(place, 0, 512);
                assertThat(source.sink().offer(gpa, 1)).as("twice").isNull();
            }
            assertThat(source.sink().offer(BYTES, 1)).as("no memory").isNull();
            assertThat(source.sink().offer(2 * MIB - Pattern.PAGE, 2)).as("two chunks").isNull();
            memory.awaitComplete();
            memory.assertContent(pattern);
        }
    }
}
