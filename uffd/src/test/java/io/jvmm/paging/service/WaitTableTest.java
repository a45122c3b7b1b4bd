// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.StallHistogram;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Who waits, told by messages that come late and twice. */
class WaitTableTest {

    private static final int THREAD = 77;
    private static final int OTHER = 78;
    private static final int PAGE = 5;
    private static final long DEADLINE = 1000;

    private final AtomicBits present = new AtomicBits(64);
    private final StallRecorder stalls = new StallRecorder();
    private final WaitTable waits = new WaitTable(stalls, present::get);

    private void arrive(int page, long now) {
        present.set(page, 1);
        waits.arrived(page, 1, now);
    }

    @Test
    void aThreadWaitsUntilItsPageArrives() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        waits.waits(OTHER, PAGE + 1, 10, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
        arrive(PAGE, 30);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.isStuck(OTHER)).isTrue();
        assertThat(stalls.histograms()).hasSize(1);
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(20);
    }

    @Test
    void manyThreadsWaitAtATimeAndWhoeverHasNoRoomIsNotAccountedFor() {
        int room = 1024;
        for (int thread = 1; thread <= room + 1; thread++) {
            waits.waits(thread, thread % 64, thread, DEADLINE);
        }
        assertThat(waits.size()).isEqualTo(room);
        for (int thread = 1; thread <= room + 1; thread++) {
            assertThat(waits.isStuck(thread)).as("thread %d", thread).isEqualTo(thread <= room);
        }
        List<Integer> told = new ArrayList<>();
        waits.tellOverdue(
                DEADLINE + 100,
                DEADLINE,
                (thread, page, waited) -> {
                    assertThat(page).isEqualTo(thread % 64);
                    assertThat(waited).isEqualTo(DEADLINE + 100 - thread);
                    told.add(thread);
                    return false;
                });
        assertThat(told).hasSize(100).allMatch(thread -> thread <= 100);
        present.set(0, 64);
        waits.arrived(0, 64, 2L * room);
        assertThat(waits.isEmpty()).isTrue();
        assertThat(stalls.histograms().stream().mapToLong(StallHistogram::count).sum())
                .isEqualTo(room);
    }

    /** A vCPU that runs would otherwise be taken for one that waits. */
    @Test
    void aMessageThatIsReadAfterThePageHasComeIsOfNobodyWhoWaits() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        arrive(PAGE, 20);
        waits.waits(THREAD, PAGE, 30, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.size()).isZero();
    }

    /** Whoever brings a page may come to account for it after the thread has gone on. */
    @Test
    void whoIsToldWaitingForAnotherPageHasWaitedForTheFirst() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        waits.waits(THREAD, PAGE + 1, 30, DEADLINE);
        arrive(PAGE, 40);
        arrive(PAGE + 1, 50);
        assertThat(stalls.histograms().getFirst().count()).isEqualTo(2);
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(20 + 20);
    }

    @Test
    void aLateMessageDoesNotHideWhatTheThreadWaitsForNow() {
        arrive(PAGE, 10);
        waits.waits(THREAD, PAGE + 1, 20, DEADLINE);
        waits.waits(THREAD, PAGE, 30, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
        arrive(PAGE + 1, 40);
        assertThat(waits.isStuck(THREAD)).isFalse();
    }

    @Test
    void aThreadThatCanBeCalledAwayIsNotStuckButOverdueAllTheSame() {
        waits.waits(THREAD, PAGE, 10, DEADLINE, false);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.size()).isEqualTo(1);
        List<Integer> late = new ArrayList<>();
        waits.tellOverdue(10 + DEADLINE, DEADLINE, (thread, _, _) -> late.add(thread));
        assertThat(late).containsExactly(THREAD);
        waits.waits(THREAD, PAGE + 1, 20, DEADLINE);
        assertThat(waits.isStuck(THREAD)).isTrue();
    }

    @Test
    void aThreadThatLeavesWithoutItsPageWaitsNoLongerAndIsNotOverdue() {
        waits.waits(THREAD, PAGE, 10, DEADLINE);
        waits.waits(OTHER, PAGE, 10, DEADLINE);
        waits.leaves(THREAD);
        waits.leaves(THREAD);
        assertThat(waits.isStuck(THREAD)).isFalse();
        List<Integer> late = new ArrayList<>();
        waits.tellOverdue(10 + DEADLINE, DEADLINE, (thread, _, _) -> late.add(thread));
        assertThat(late).containsExactly(OTHER);
    }

    private List<Integer> late(long now) {
        List<Integer> late = new ArrayList<>();
        waits.tellOverdue(now, DEADLINE, (thread, _, _) -> late.add(thread));
        return late;
    }

    /** The reader has read of threads that wait for pages: pairs. */
    private void read(long now, int... threadsAndPages) {
        read(waits, now, threadsAndPages);
    }

    private static void read(WaitTable table, long now, int... threadsAndPages) {
        int count = threadsAndPages.length / 2;
        for (int index = 0; index < count; index++) {
            table.ofRead.note(
                    index, threadsAndPages[2 * index], threadsAndPages[2 * index + 1], 0, 0);
        }
        table.ofRead.begin(count, now, now + DEADLINE);
    }

    @Test
    void whoIsServedAtOnceWaitsBesideTheTable() {
        read(10, THREAD, PAGE);
        assertThat(waits.isEmpty()).isTrue();
        assertThat(waits.size()).isEqualTo(1);
        assertThat(waits.isStuck(THREAD)).isTrue();
        assertThat(waits.isStuck(OTHER)).isFalse();
        assertThat(late(10 + DEADLINE - 1)).isEmpty();
        assertThat(waits.isEmpty()).isTrue();
        present.set(PAGE, 1);
        waits.served(PAGE, 30);
        assertThat(waits.size()).isZero();
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(20);
        assertThat(late(Long.MAX_VALUE)).isEmpty();
    }

    @Test
    void whatIsServedAtOnceButTakesLongIsToldOverdueAndCountedOnce() {
        read(10, THREAD, PAGE);
        assertThat(late(10 + DEADLINE)).containsExactly(THREAD);
        assertThat(waits.isEmpty()).isFalse();
        assertThat(waits.size()).isEqualTo(1);
        assertThat(waits.isStuck(THREAD)).isTrue();
        present.set(PAGE, 1);
        waits.served(PAGE, 10 + 2 * DEADLINE);
        assertThat(waits.size()).isZero();
        assertThat(stalls.histograms().getFirst().count()).isEqualTo(1);
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(2 * DEADLINE);
        read(20, OTHER, PAGE + 1);
        assertThat(waits.isStuck(OTHER)).isTrue();
        assertThat(waits.isStuck(THREAD)).isFalse();
    }

    @Test
    void aWaitThatRemainsIsOneOfTheTableSinceItsBeginning() {
        read(10, THREAD, PAGE);
        waits.remains();
        assertThat(waits.size()).isEqualTo(1);
        assertThat(late(10 + DEADLINE)).containsExactly(THREAD);
        arrive(PAGE, 2000);
        assertThat(waits.size()).isZero();
        assertThat(stalls.histograms().getFirst().totalNanos()).isEqualTo(1990);
    }

    @Test
    void whoHasComeMeanwhileForTheSamePageIsServedToo() {
        read(10, THREAD, PAGE);
        waits.waits(OTHER, PAGE, 20, DEADLINE);
        present.set(PAGE, 1);
        waits.served(PAGE, 30);
        assertThat(waits.size()).isZero();
        assertThat(stalls.histograms()).hasSize(2);
    }

    @Test
    void theWaitsOfAReadEndOneByOne() {
        read(10, THREAD, PAGE, OTHER, PAGE + 1, 79, PAGE + 2);
        assertThat(waits.size()).isEqualTo(3);
        waits.served(PAGE, 20);
        assertThat(waits.isStuck(THREAD)).isFalse();
        assertThat(waits.isStuck(OTHER)).isTrue();
        waits.passes(OTHER);
        assertThat(waits.isStuck(OTHER)).isFalse();
        assertThat(waits.isStuck(79)).isTrue();
        waits.remains();
        assertThat(waits.size()).isEqualTo(1);
        assertThat(waits.isStuck(79)).isTrue();
        assertThat(stalls.histograms()).hasSize(1);
    }

    @Test
    void theClockTakesAllThatAreLeftOfARead() {
        read(10, THREAD, PAGE, OTHER, PAGE + 1, 79, PAGE + 2);
        waits.served(PAGE, 20);
        assertThat(late(10 + DEADLINE)).containsExactlyInAnyOrder(OTHER, 79);
        waits.passes(OTHER);
        assertThat(waits.isStuck(OTHER)).isFalse();
        present.set(PAGE + 2, 1);
        waits.served(PAGE + 2, 3000);
        assertThat(waits.size()).isZero();
        assertThat(stalls.histograms()).hasSize(2);
    }

    /** The reader ends waits without the lock, and the clock takes them over at any moment. */
    @Test
    @Timeout(60)
    void readerAndClockAgreeWhoseAWaitIs() throws InterruptedException {
        int pages = 200_000;
        AtomicBits all = new AtomicBits(pages);
        WaitTable table = new WaitTable(stalls, all::get);
        AtomicInteger tookOver = new AtomicInteger();
        AtomicBoolean over = new AtomicBoolean();
        Thread clock =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            while (!over.get()) {
                                table.tellOverdue(
                                        DEADLINE,
                                        DEADLINE,
                                        (_, _, _) -> tookOver.incrementAndGet() < 0);
                            }
                        });
        int page = 0;
        for (int round = 0; page < pages; round++) {
            int count = Math.min(pages - page, round % 3 + 1);
            int[] noted = new int[2 * count];
            for (int index = 0; index < count; index++) {
                noted[2 * index] = THREAD + index;
                noted[2 * index + 1] = page + index;
            }
            int before = tookOver.get();
            read(table, 0, noted);
            while (round % 1000 == 0 && tookOver.get() == before) {
                assertThat(Thread.currentThread().isInterrupted()).as("timed out").isFalse();
            }
            for (int end = page + count; page < end; page++) {
                all.set(page, 1);
                table.served(page, 1);
            }
        }
        over.set(true);
        clock.join();
        assertThat(table.size()).isZero();
        StallHistogram sum = StallHistogram.sum(stalls.histograms());
        assertThat(stalls.histograms()).hasSize(3);
        assertThat(sum.count()).isEqualTo(pages);
        assertThat(sum.totalNanos()).isEqualTo(pages);
    }

    /** Who has brought a page finds the table empty; who comes then finds the page. */
    @Test
    @Timeout(60)
    void nobodyStaysBehindWhoComesWhileThePageDoes() throws InterruptedException {
        int rounds = 100_000;
        AtomicBits all = new AtomicBits(rounds);
        WaitTable table = new WaitTable(stalls, all::get);
        AtomicInteger current = new AtomicInteger();
        Thread other =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            for (int page = 0; page < rounds; page = current.get()) {
                                table.waits(OTHER, page, 0, DEADLINE, false);
                            }
                        });
        for (int page = 0; page < rounds; page++) {
            read(table, 0, THREAD, page);
            current.set(page);
            all.set(page, 1);
            table.served(page, 1);
        }
        current.set(rounds);
        other.join();
        assertThat(table.size()).isZero();
    }
}
