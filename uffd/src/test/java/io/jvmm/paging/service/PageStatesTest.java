// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.FaultMessages;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Path;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/** Claims, drops and wishes that meet. */
@Timeout(60)
class PageStatesTest {

    private static final int PAGES = 512;

    private final PageStates states =
            new PageStates(
                    new PagedMemory(
                            List.of(new GuestRange(0, 0x4000_0000L, PAGES * Pattern.PAGE))));
    private final Transfer transfer = new Transfer(0, _ -> {});

    /**
     * Who finds a page claimed waits for it to come. So nobody claims what he gives up again, not
     * even for a moment, because of a neighbour that he cannot have.
     */
    @Test
    void aClaimIsNeverTakenBackForTheSakeOfAnother() throws InterruptedException {
        assertThat(states.map.claim(100)).isTrue();
        states.map.arrive(100, 1);
        AtomicBoolean ending = new AtomicBoolean();
        AtomicBoolean seen = new AtomicBoolean();
        Thread observer =
                Thread.ofPlatform()
                        .start(() -> {
                            while (!ending.get()) {
                                if (states.map.isClaimed(50)) {
                                    seen.set(true);
                                }
                            }
                        });
        for (int i = 0; i < 200_000; i++) {
            assertThat(states.claimAround(200, 512, transfer)).isTrue();
            states.map.release(101, 411);
        }
        ending.set(true);
        observer.join();
        assertThat(transfer.first()).isEqualTo(101);
        assertThat(transfer.count()).isEqualTo(411);
        assertThat(seen).isFalse();
    }

    @Test
    void droppedPagesAreNotFetchedWithTheirNeighbours() {
        states.drop(10, 1);
        states.drop(20, 2);
        assertThat(states.claimAround(15, 64, transfer)).isTrue();
        assertThat(transfer.first()).isEqualTo(11);
        assertThat(transfer.count()).isEqualTo(9);
        assertThat(states.claimAround(20, 64, transfer)).isFalse();
        assertThat(states.claimAround(5, 8, transfer)).isTrue();
        assertThat(transfer.first()).isZero();
        assertThat(transfer.count()).isEqualTo(8);
        assertThat(states.claimAround(300, 512, transfer)).isTrue();
        assertThat(transfer.first()).isEqualTo(22);
        assertThat(transfer.count()).isEqualTo(490);
    }

    @Test
    void whatIsThereAndIsDroppedIsNotWantedForOldTimesSake() {
        assertThat(states.map.claim(7)).isTrue();
        states.map.arrive(7, 1);
        states.want(7);
        states.want(8);
        states.drop(0, 64);
        assertThat(states.isWanted(7, 1)).isFalse();
        assertThat(states.isWanted(8, 1)).as("still missing").isTrue();
        assertThat(states.map.isPresent(7)).isFalse();
    }

    /**
     * A page is copied; before that is noted, it is dropped and touched again. The one who touches
     * it must not be taken for served.
     */
    @Test
    @RequiresUserfaultfd
    void whoTouchesAPageThatWasDroppedWhileItArrivedIsServedAgain() {
        try (Mapping memory = Mapping.anonymous(4 << 20);
                Dispatched dispatched = new Dispatched(memory, PagingConfig.defaults())) {
            PageStates now = dispatched.dispatcher.states;
            WaitTable waits = dispatched.shard.waits;
            assertThat(now.map.claim(3, 2)).isTrue();
            int drops = now.drops();
            dispatched.dispatcher.dropped(3, 1);
            waits.waits(77, 3, 0, Long.MAX_VALUE);
            waits.waits(78, 4, 0, Long.MAX_VALUE);
            now.want(3);
            now.want(4);
            dispatched.dispatcher.arrivals.arrived(3, 2, Cause.FAULT, Path.COPY, drops);
            assertThat(now.map.isPresent(3)).isFalse();
            assertThat(now.map.isPresent(4)).isTrue();
            assertThat(now.nextWanted(0)).isEqualTo(3);
            assertThat(waits.isStuck(77)).isTrue();
            assertThat(waits.isStuck(78)).isFalse();
            // Zeros are right for a dropped page, unless it was dropped since.
            assertThat(now.map.claim(3)).isTrue();
            drops = now.drops();
            dispatched.dispatcher.arrivals.arrived(3, 1, Cause.FAULT, Path.ZERO, drops);
            assertThat(now.map.isPresent(3)).isTrue();
            assertThat(now.nextWanted(0)).isEqualTo(PageStates.NONE);
            dispatched.dispatcher.dropped(3, 1);
            assertThat(now.map.claim(3)).isTrue();
            drops = now.drops();
            dispatched.dispatcher.dropped(3, 1);
            dispatched.dispatcher.arrivals.arrived(3, 1, Cause.FAULT, Path.ZERO, drops);
            assertThat(now.map.isPresent(3)).isFalse();
            assertThat(now.nextWanted(0)).isEqualTo(3);
        }
    }

    /** Marks, which zeros and moves do not replace, are no pages. */
    @ParameterizedTest
    @ValueSource(ints = {1, 8, 512})
    @RequiresUserfaultfd
    void whatIsMarkedAsPoisonIsReplacedWhateverComes(int unit) {
        PatternSource source = new PatternSource(3);
        try (Mapping memory = Mapping.anonymous(2 << 20);
                Dispatched dispatched =
                        new Dispatched(memory, PagingConfig.defaults().withUnit(unit, unit))) {
            long marked = PAGES * Pattern.PAGE;
            assertThat(dispatched.shard.uffd.tryPoison(memory.address(), marked, 0))
                    .isEqualTo(marked);
            for (int page = 0; page < PAGES; page++) {
                assertThat(dispatched.dispatcher.serve(page, Cause.GATE)).isTrue();
            }
            assertThat(dispatched.dispatcher.states.map.allPresent()).isTrue();
            // By a system call first: a mark would end the process otherwise.
            assertThat(memory.tryAdvise(Advice.POPULATE_READ, 0, marked)).isZero();
            for (long gpa = 0; gpa < marked; gpa += Pattern.PAGE) {
                long value = source.isZero(gpa) ? 0 : Pattern.of(gpa);
                assertThat(Pattern.isFullOf(memory.segment(), gpa, value)).isTrue();
            }
        }
    }

    /** A dispatcher whose workers do not run. */
    private static final class Dispatched
            implements Dispatcher.Owner, Shard.Handler, AutoCloseable {
        final Shard shard;
        final Dispatcher dispatcher;

        Dispatched(Mapping memory, PagingConfig config) {
            GuestRange range = new GuestRange(0, memory.address(), memory.sizeBytes());
            PageStates states = new PageStates(new PagedMemory(List.of(range)));
            shard =
                    new Shard(
                            0,
                            range,
                            new Registration(
                                    Set.of(Feature.THREAD_ID, Feature.MOVE, Feature.POISON),
                                    Set.of(Tracking.MISSING)),
                            new WaitTable(new StallRecorder(), states.map::isPresent),
                            this);
            dispatcher = new Dispatcher(states, new PatternSource(3), config, this, false);
        }

        @Override
        public Shard shard(int page) {
            return shard;
        }

        @Override
        public void missesAgain() {}

        @Override
        public void tell(PagingEvent event) {}

        @Override
        public boolean quick(Shard from, FaultMessages messages, int count, long now) {
            return false;
        }

        @Override
        public void fault(Shard from, long address, int threadId, long now) {}

        @Override
        public void serve(Shard from, long address, boolean more) {}

        @Override
        public void removed(long start, long end, boolean unmapped) {}

        @Override
        public void died() {
            throw new AssertionError("the reader has died");
        }

        @Override
        public void broken(Throwable cause) {}

        @Override
        public void close() {
            assertThat(dispatcher.close(System.nanoTime() + 60_000_000_000L)).isTrue();
            shard.close();
            assertThat(dispatcher.release()).isTrue();
        }
    }
}
