// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.WorkingSet;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Which faults go the short way, and what becomes of those that come off it. */
@RequiresUserfaultfd
@Timeout(60)
class FastPathTest {

    private static final PagingConfig SINGLE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);
    private static final PagingConfig RETRIED_LATE =
            new PagingConfig(
                    1,
                    1,
                    SINGLE.workers(),
                    SINGLE.stagingChunks(),
                    SINGLE.shards(),
                    false,
                    false,
                    SINGLE.deadline(),
                    SINGLE.overdue(),
                    Duration.ofHours(1),
                    WorkingSet.EMPTY,
                    List.of());
    private static final long BYTES = 2 << 20;
    private static final int PAGE = 5;
    private static final int OTHER_THREAD = Integer.MAX_VALUE;
    private static final long DEADLINE = Long.MAX_VALUE / 4;

    /** How a fault went. */
    private enum Way {
        SHORT,
        OTHER,
        ALL_OTHER
    }

    private final Mapping memory = Mapping.anonymous(BYTES);
    private final Resident source = new Resident();
    private final StallRecorder stalls = new StallRecorder();
    private final BlockingQueue<PagingEvent> events = new LinkedBlockingQueue<>();
    private final List<Toucher> touchers = new ArrayList<>();
    private @Nullable Fixture fixture;

    /** A source in memory, to which things can happen. */
    private static final class Resident implements PageSource {
        private final MemorySegment image = Arena.ofAuto().allocate(BYTES, Pattern.PAGE);
        volatile boolean hasNothing;
        volatile Runnable asked = () -> {};
        // The page is claimed then.
        volatile Runnable askedForOffset = () -> {};

        Resident() {
            Pattern.fill(image, 0, 0, (int) (BYTES / Pattern.PAGE));
        }

        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            throw new AssertionError("nothing is fetched here");
        }

        @Override
        public @Nullable MemorySegment resident(long gpa, int pages) {
            asked.run();
            return hasNothing ? null : image;
        }

        @Override
        public long residentOffset(long gpa) {
            askedForOffset.run();
            return gpa;
        }

        @Override
        public void close() {}
    }

    /** A shard that is read, and a dispatcher without workers that does nothing unasked. */
    private final class Fixture implements Dispatcher.Owner, FastPath.Owner, AutoCloseable {
        final PageStates states;
        final WaitTable waits;
        final Dispatcher dispatcher;
        final FastPath fastPath;
        final Shard shard;
        volatile Runnable toldOfEmpty = () -> {};
        // The reader's.
        private boolean allOther;
        private final BlockingQueue<Way> ways = new LinkedBlockingQueue<>();

        Fixture(PagingConfig config, boolean mayReplaceShards) {
            memory.tryAdvise(Advice.NOHUGEPAGE, 0, BYTES);
            GuestRange range = new GuestRange(0, memory.address(), BYTES);
            states = new PageStates(new PagedMemory(List.of(range)));
            waits = new WaitTable(stalls, states.map::isPresent);
            dispatcher = new Dispatcher(states, source, config, this, mayReplaceShards);
            fastPath = dispatcher.fastPath(this, DEADLINE);
            Registration registration =
                    new Registration(
                            Set.of(Feature.THREAD_ID, Feature.MOVE), Set.of(Tracking.MISSING));
            shard = new Shard(0, range, registration, waits, this);
            shard.begin();
        }

        Toucher touch(int page) {
            Toucher toucher =
                    Toucher.start(() ->
                            memory.tryAdvise(
                                    Advice.POPULATE_READ, page * Pattern.PAGE, Pattern.PAGE));
            touchers.add(toucher);
            return toucher;
        }

        /** Returns when the reader is done with the fault. */
        @Nullable Way way() throws InterruptedException {
            return ways.poll(30, TimeUnit.SECONDS);
        }

        /** How a new fault of a page goes. */
        @Nullable Way wayOf(int page) throws InterruptedException {
            touch(page);
            Way way = way();
            if (way == Way.OTHER) {
                assertThat(way()).isEqualTo(Way.SHORT);
            }
            return way;
        }

        @Override
        public Shard shard(int page) {
            return shard;
        }

        @Override
        public void missesAgain() {}

        @Override
        public void tell(PagingEvent event) {
            events.add(event);
        }

        @Override
        public boolean quick(Shard from, FaultMessages messages, int count, long now) {
            allOther = false;
            boolean done = fastPath.serve(from, messages, count, now);
            allOther = !done;
            ways.add(done ? Way.SHORT : Way.ALL_OTHER);
            return done;
        }

        @Override
        public void empty(long gpa) {
            toldOfEmpty.run();
        }

        @Override
        public void fault(Shard from, long address, int threadId, long now) {}

        /** Only the short way leads here before it returns. */
        @Override
        public void serve(Shard from, long address, boolean more) {
            if (!allOther) {
                ways.add(Way.OTHER);
            }
        }

        @Override
        public void removed(long start, long end, boolean unmapped) {}

        @Override
        public void broken(Throwable cause) {
            events.add(new PagingEvent.Failed(cause));
        }

        @Override
        public void died() {
            events.add(new PagingEvent.ServiceDied("reader"));
        }

        @Override
        public void close() {
            assertThat(dispatcher.close(System.nanoTime() + 60_000_000_000L)).isTrue();
            shard.close();
            assertThat(dispatcher.release()).isTrue();
        }
    }

    private Fixture with(PagingConfig config) {
        fixture = new Fixture(config, false);
        return fixture;
    }

    @AfterEach
    void close() {
        if (fixture != null) {
            fixture.close();
        }
        // Nothing holds them any more, but they may still be on their way out of the kernel.
        touchers.forEach(Toucher::result);
        memory.close();
    }

    @Test
    void aPageComesAndItsWaitIsOver() throws InterruptedException {
        Fixture now = with(SINGLE);
        Toucher toucher = now.touch(PAGE);
        assertThat(now.way()).isEqualTo(Way.SHORT);
        assertThat(toucher.result()).isZero();
        assertThat(now.states.map.isPresent(PAGE)).isTrue();
        assertThat(now.states.map.isClaimed(PAGE)).isFalse();
        Pattern.assertAt(memory.segment(), PAGE * Pattern.PAGE, PAGE * Pattern.PAGE);
        assertThat(now.waits.size()).isZero();
        assertThat(stalls.histograms()).hasSize(1);
        assertThat(stalls.histograms().getFirst().threadId()).isEqualTo(toucher.threadId());
        assertThat(now.shard.empty).hasValue(1);
        assertThat(now.shard.brought).hasValue(1);
        assertThat(now.dispatcher.arrivals.pages.snapshot())
                .as("else twice")
                .containsEntry(Cause.FAULT, 0L);
        assertThat(now.dispatcher.filledPath()).isEqualTo(Path.COPY);
        assertThat(events).isEmpty();
    }

    @Test
    void theLastPageCompletesAll() throws InterruptedException {
        Fixture now = with(SINGLE);
        for (int page = 0; page < now.states.map.pages(); page++) {
            if (page != PAGE) {
                assertThat(now.dispatcher.serve(page, Cause.GATE)).isTrue();
            }
        }
        assertThat(events).isEmpty();
        assertThat(now.wayOf(PAGE)).isEqualTo(Way.SHORT);
        assertThat(events).containsExactly(new PagingEvent.Complete());
    }

    @Test
    void itIsClosedWherePagesComeInUnits() throws InterruptedException {
        assertThat(with(SINGLE.withUnit(1, 2)).wayOf(PAGE)).isEqualTo(Way.ALL_OTHER);
    }

    @Test
    void itIsClosedWhereShardsAreReplaced() throws InterruptedException {
        fixture = new Fixture(SINGLE, true);
        assertThat(fixture.wayOf(PAGE)).isEqualTo(Way.ALL_OTHER);
    }

    @Test
    void itIsClosedWhileNothingCanBePutInPlaceAndWhenTheServiceEnds() throws InterruptedException {
        Fixture now = with(RETRIED_LATE);
        assertThat(now.states.map.claim(0)).isTrue();
        now.dispatcher.arrivals.failed(0, 1, "UFFDIO_COPY", Errno.ENOMEM);
        assertThat(events.take()).isInstanceOf(PagingEvent.Failed.class);
        assertThat(now.wayOf(0)).isEqualTo(Way.ALL_OTHER);
        now.dispatcher.available();
        assertThat(now.wayOf(1)).isEqualTo(Way.SHORT);
        now.dispatcher.end();
        assertThat(now.wayOf(2)).isEqualTo(Way.ALL_OTHER);
    }

    @Test
    void itIsOpenAgainSoonAfterTheMemoryHasChanged() throws InterruptedException {
        Fixture now = with(SINGLE);
        assertThat(now.states.map.claim(0)).isTrue();
        now.dispatcher.arrivals.released(0, 1, true);
        for (int page = 1; now.wayOf(page) != Way.SHORT; page++) {
            assertThat(page).as("pages until then").isLessThan(100);
        }
    }

    @Test
    void whatIsNotPlainGoesTheOtherWay() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.hasNothing = true;
        assertThat(now.wayOf(0)).as("not in memory").isEqualTo(Way.OTHER);
        source.hasNothing = false;
        source.asked =
                () -> {
                    throw new IllegalStateException("broken");
                };
        assertThat(now.wayOf(1)).as("the dispatcher tells of it").isEqualTo(Way.OTHER);
        source.asked = () -> {};
        now.waits.waits(OTHER_THREAD, PAGE, 0, DEADLINE);
        assertThat(now.wayOf(2)).as("another waits").isEqualTo(Way.OTHER);
        now.waits.leaves(OTHER_THREAD);
        assertThat(now.states.map.claim(3)).isTrue();
        assertThat(now.wayOf(3)).as("claimed").isEqualTo(Way.OTHER);
        assertThat(now.waits.size()).isZero();
        assertThat(now.wayOf(4)).isEqualTo(Way.SHORT);
        now.dispatcher.dropped(PAGE, 1);
        assertThat(now.wayOf(PAGE)).as("dropped").isEqualTo(Way.OTHER);
        assertThat(now.states.map.isClaimed(PAGE)).isFalse();
        assertThat(now.wayOf(PAGE + 1)).as("others are dropped").isEqualTo(Way.SHORT);
        assertThat(events).isEmpty();
    }

    @Test
    void aPageThatIsThereAlreadyKeepsItsContent() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.askedForOffset =
                () -> now.shard.uffd.tryZeropage(memory.address() + PAGE * Pattern.PAGE, 4096, 0);
        assertThat(now.wayOf(PAGE)).isEqualTo(Way.SHORT);
        assertThat(now.states.map.isPresent(PAGE)).isTrue();
        assertThat(now.states.isWanted(PAGE)).isFalse();
        assertThat(Pattern.isFullOf(memory.segment(), PAGE * Pattern.PAGE, 0)).isTrue();
        assertThat(now.waits.size()).isZero();
        assertThat(stalls.histograms()).hasSize(1);
    }

    @Test
    void whoeverWantsThePageMeanwhileIsServedWithIt() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.askedForOffset =
                () -> {
                    now.states.want(PAGE);
                    now.waits.waits(OTHER_THREAD, PAGE, System.nanoTime(), DEADLINE);
                };
        assertThat(now.wayOf(PAGE)).isEqualTo(Way.SHORT);
        assertThat(now.states.isWanted(PAGE)).isFalse();
        assertThat(now.waits.size()).isZero();
        assertThat(stalls.histograms()).hasSize(2);
    }

    /** What was dropped is zero, and whoever has touched it may have done so afterwards. */
    @Test
    void aPageThatIsDroppedMeanwhileIsWantedAgain() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.askedForOffset = () -> now.dispatcher.dropped(PAGE, 1);
        Toucher toucher = now.touch(PAGE);
        assertThat(now.way()).isEqualTo(Way.SHORT);
        assertThat(now.states.map.isPresent(PAGE)).isFalse();
        assertThat(now.states.nextWanted(0)).isEqualTo(PAGE);
        assertThat(now.waits.isStuck(toucher.threadId())).isTrue();
        assertThat(now.dispatcher.serve(PAGE, Cause.FAULT)).isTrue();
        assertThat(now.waits.isStuck(toucher.threadId())).isFalse();
        assertThat(now.states.map.isPresent(PAGE)).isTrue();
    }

    @Test
    void aPageThatIsRegisteredNoMoreIsGone() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.askedForOffset = now.shard::letGo;
        Toucher toucher = now.touch(PAGE);
        assertThat(now.way()).isEqualTo(Way.SHORT);
        assertThat(events).containsExactly(new PagingEvent.Lost(PAGE * Pattern.PAGE, 1));
        assertThat(now.dispatcher.arrivals.lost.get(PAGE)).isTrue();
        assertThat(now.waits.isStuck(toucher.threadId())).isTrue();
        assertThat(now.states.map.isClaimed(PAGE)).as("nobody asks for it again").isTrue();
    }

    @Test
    void anErrorOutOfTheSourceIsToldAndThePageAskedForAgain() throws InterruptedException {
        Fixture now = with(SINGLE);
        source.askedForOffset =
                () -> {
                    throw new IllegalStateException("no offset");
                };
        Toucher toucher = now.touch(PAGE);
        assertThat(now.way()).isEqualTo(Way.SHORT);
        assertThat(events.take())
                .isInstanceOfSatisfying(
                        PagingEvent.Failed.class,
                        failed -> assertThat(failed.cause()).hasMessage("no offset"));
        assertThat(events.take()).isEqualTo(new PagingEvent.SourceAway());
        assertThat(now.waits.isStuck(toucher.threadId())).isTrue();
        assertThat(now.states.nextWanted(0)).isEqualTo(PAGE);
    }

    @Test
    void anErrorOfWhoIsToldLeavesTheWaitThatItIsOf() throws InterruptedException {
        Fixture now = with(SINGLE);
        now.toldOfEmpty =
                () -> {
                    throw new IllegalStateException("not told");
                };
        Toucher toucher = now.touch(PAGE);
        assertThat(now.way()).isEqualTo(Way.SHORT);
        assertThat(events.take()).isInstanceOf(PagingEvent.Failed.class);
        assertThat(events.take()).isEqualTo(new PagingEvent.SourceAway());
        assertThat(now.waits.isStuck(toucher.threadId())).isTrue();
        assertThat(now.states.nextWanted(0)).isEqualTo(PAGE);
        assertThat(now.waits.ofRead.left()).isZero();
    }
}
