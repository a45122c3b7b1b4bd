// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Objects;

/** What the kernel does that is easily overlooked. */
@RequiresUserfaultfd
@Timeout(120)
class TrapsTest {

    private static final long MIB = 1 << 20;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    /**
     * A chunk into which one page was copied has a page table; a huge page does not fit any more.
     */
    @Test
    void aChunkThatWasSplitIsFilledUpPageByPage() {
        PatternSource source = new PatternSource();
        RemoteSource remote = new RemoteSource(source, 1, 0);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(4 * MIB, false, remote, QUIET.withUnit(1, 1))) {
            assertThat(memory.read(100)).isZero();
            assertThat(remote.sink().offer(0, 512)).as("it is not empty").isNull();
            for (int first : new int[] {0, 101}) {
                int count = first == 0 ? 100 : 411;
                PageRequest place =
                        Objects.requireNonNull(remote.sink().offer(first * Pattern.PAGE, count));
                source.fetch(place, 0, count);
            }
            PageRequest whole = Objects.requireNonNull(remote.sink().offer(2 * MIB, 512));
            source.fetch(whole, 0, 512);
            memory.awaitComplete();
            memory.assertContent(source);
            PagingStatistics statistics = memory.service.statistics();
            assertThat(statistics.bytes(Path.COPY)).isEqualTo(2 * MIB);
            assertThat(statistics.bytes(Path.MOVE)).isEqualTo(2 * MIB);
        }
    }

    /** Staging holds what was there before; a page that is called zero must not show it. */
    @Test
    void zeroPagesAmongOthersAreZeroHoweverTheyArrive() {
        for (int zeroEvery : new int[] {1, 2, 3, 100}) {
            PatternSource source = new PatternSource(zeroEvery);
            for (int unit : new int[] {1, 8, 512}) {
                try (PagedGuestMemory memory =
                        PagedGuestMemory.of(
                                64 * MIB,
                                false,
                                source,
                                PagingConfig.defaults().withUnit(unit, unit))) {
                    memory.awaitComplete();
                    memory.assertContent(source);
                }
            }
        }
    }

    /**
     * Of a huge page in the file's cache, only what was fetched may be seen: the rest is zeros that
     * nobody has written (Cloud Hypervisor's issue 8663).
     */
    @Test
    void pagesThatTheCacheHoldsByAccidentAreFetchedNevertheless() {
        PatternSource source = new PatternSource();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(4 * MIB, true, source, QUIET.withUnit(1, 1))) {
            // As a huge page would do: the whole 2 MiB get into the cache by one write.
            Objects.requireNonNull(memory.alias).segment().asSlice(0, 2 * MIB).fill((byte) 0);
            for (int page : new int[] {0, 1, 511, 300}) {
                assertThat(memory.read(page)).isZero();
                Pattern.assertAt(memory.segment(), page * Pattern.PAGE, page * Pattern.PAGE);
            }
        }
    }

    @Test
    void droppedPagesAreZeroAndNeverTheSourcesAgain() {
        PatternSource source = new PatternSource();
        try (PagedGuestMemory memory = PagedGuestMemory.of(8 * MIB, false, source, QUIET)) {
            memory.service.populate(0, 8 * MIB, java.time.Duration.ofSeconds(60));
            memory.awaitAllPresent();
            assertThat(memory.memory.tryAdvise(Advice.DONTNEED, 2 * MIB, 4 * MIB)).isZero();
            while (memory.service.allPresent()) {
                Thread.onSpinWait();
            }
            for (int page = 512; page < 1536; page += 64) {
                assertThat(memory.read(page)).isZero();
                assertThat(Pattern.isFullOf(memory.segment(), page * Pattern.PAGE, 0)).isTrue();
            }
            Pattern.assertAt(memory.segment(), 0, 0);
            Pattern.assertAt(memory.segment(), 6 * MIB, 6 * MIB);
            // And those that only the gate asks for.
            memory.service.populate(2 * MIB, 4 * MIB, java.time.Duration.ofSeconds(60));
            memory.awaitAllPresent();
            assertThat(memory.segment().get(JAVA_BYTE, 4 * MIB)).isZero();
        }
    }

    @Test
    void aHolePunchedIntoTheFileIsZeroAlthoughNobodyTells() {
        PatternSource source = new PatternSource();
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(4 * MIB, true, source, PagingConfig.defaults())) {
            memory.awaitComplete();
            Objects.requireNonNull(memory.file).punchHole(MIB, Pattern.PAGE);
            assertThat(memory.read(256)).isZero();
            assertThat(Pattern.isFullOf(memory.segment(), MIB, 0)).isTrue();
            // Counted a moment after the reader goes on.
            while (memory.service.statistics().faults(Fault.DROPPED) == 0) {
                Thread.onSpinWait();
            }
        }
    }

    /** Whoever drops pages waits until it is told, and copies are refused meanwhile. */
    @Test
    void droppingAndFetchingAtTheSameTimeComesToAnEnd() {
        PatternSource source = new PatternSource();
        RemoteSource remote = new RemoteSource(source, 2, 0);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(
                        16 * MIB, false, remote, PagingConfig.defaults().withUnit(1, 8))) {
            Toucher dropper =
                    Toucher.start(() -> {
                        long failed = 0;
                        for (int i = 0; i < 200; i++) {
                            long at = (i * 37L % 2048) * 2 * Pattern.PAGE;
                            failed |=
                                    memory.memory.tryAdvise(Advice.DONTNEED, at, 2 * Pattern.PAGE);
                        }
                        return failed;
                    });
            Toucher reader =
                    Toucher.start(() -> {
                        long failed = 0;
                        for (int page = 0; page < memory.pages(); page++) {
                            failed |= memory.read(page);
                        }
                        return failed;
                    });
            assertThat(dropper.result()).isZero();
            assertThat(reader.result()).isZero();
            memory.service.populate(0, 16 * MIB, java.time.Duration.ofSeconds(60));
            // The dropper goes on before the map knows; only the kernel is sure what is there.
            for (int page = 0; page < memory.pages(); page++) {
                assertThat(memory.read(page)).isZero();
            }
            for (int page = 0; page < memory.pages(); page++) {
                long gpa = page * Pattern.PAGE;
                boolean right =
                        Pattern.isAt(memory.segment(), gpa, gpa)
                                || Pattern.isFullOf(memory.segment(), gpa, 0);
                assertThat(right).as("page %d", page).isTrue();
            }
        }
    }

    @Test
    void memoryThatIsUnmappedIsForgotten() {
        PatternSource source = new PatternSource();
        PagedGuestMemory memory =
                PagedGuestMemory.of(4 * MIB, false, new RemoteSource(source, 1, 0), QUIET);
        assertThat(memory.read(3)).isZero();
        memory.memory.close();
        memory.close();
        assertThat(memory.events).noneMatch(PagingEvent.Failed.class::isInstance);
    }
}
