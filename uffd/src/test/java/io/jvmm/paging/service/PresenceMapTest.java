// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Consumer;

class PresenceMapTest {

    private static final int RACES = 50;

    private final PresenceMap map = new PresenceMap(2048);

    @Test
    void countsWhatIsMissing() {
        assertThat(map.missing()).isEqualTo(2048);
        assertThat(map.claim(500, 30)).isTrue();
        map.arrive(500, 30);
        assertThat(map.missing()).isEqualTo(2018);
        assertThat(map.missing(0)).isEqualTo(500);
        assertThat(map.missing(1)).isEqualTo(494);
        assertThat(map.isPresent(500, 30)).isTrue();
        assertThat(map.isPresent(499, 2)).isFalse();
        assertThat(map.nextMissing(500, 2048)).isEqualTo(530);
        map.forget(510, 10);
        assertThat(map.missing()).isEqualTo(2028);
        assertThat(map.isPresent(500, 30)).isFalse();
    }

    @Test
    void claimsAllOrNothing() {
        assertThat(map.claim(100, 1)).isTrue();
        assertThat(map.claim(0, 512)).isFalse();
        assertThat(map.isClaimed(0) || map.isClaimed(511)).isFalse();
        assertThat(map.nextEmpty(100, 512)).isEqualTo(101);
        assertThat(map.claimDown(100, 10)).isEqualTo(10);
        assertThat(map.claimUp(101, 20)).isEqualTo(20);
        map.release(90, 31);
        assertThat(map.claim(0, 512)).isTrue();
        map.arrive(0, 512);
        assertThat(map.claim(511, 1)).as("present").isFalse();
        assertThat(map.claimUp(510, 5)).isZero();
    }

    @Test
    void isFullWhenTheLastPageArrives() {
        for (int page = 0; page < 2048; page++) {
            assertThat(map.allPresent()).isFalse();
            assertThat(map.claim(page, 1)).isTrue();
            map.arrive(page, 1);
        }
        assertThat(map.allPresent()).isTrue();
        map.forget(7, 1);
        assertThat(map.allPresent()).isFalse();
    }

    @Test
    void consistsOfWholeChunks() {
        assertThatIllegalArgumentException().isThrownBy(() -> new PresenceMap(100));
    }

    @Test
    @Timeout(60)
    void everyPageIsBroughtByExactlyOneOfManyThreads() throws InterruptedException {
        AtomicInteger brought = new AtomicInteger();
        onFourThreads(random -> {
            int count = 1 << random.nextInt(8);
            int first = random.nextInt(2048) & -count;
            if (map.claim(first, count)) {
                if (random.nextBoolean()) {
                    brought.addAndGet(count);
                    map.arrive(first, count);
                } else {
                    map.release(first, count);
                }
            }
        });
        assertThat(brought).hasValue(2048);
        assertThat(map.missing(3)).isZero();
    }

    @Test
    void claimsRunsUpToTheNextPageThatIsNotEmpty() {
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            PresenceMap some = new PresenceMap(512);
            for (int pages = random.nextInt(4); pages > 0; pages--) {
                int page = random.nextInt(512);
                if (some.claim(page) && random.nextBoolean()) {
                    some.arrive(page, 1);
                }
            }
            int from = random.nextInt(512);
            int limit = random.nextInt(512 - from + 1);
            int up = from;
            while (up < from + limit && isEmpty(some, up)) {
                up++;
            }
            int low = random.nextInt(from + 1);
            int down = from;
            while (down > low && isEmpty(some, down - 1)) {
                down--;
            }
            assertThat(some.claimUp(from, limit)).isEqualTo(up - from);
            assertThat(some.claimDown(from, from - low)).isEqualTo(from - down);
            for (int page = down; page < up; page++) {
                assertThat(some.isClaimed(page)).isTrue();
            }
        }
    }

    private static boolean isEmpty(PresenceMap map, int page) {
        return !map.isPresent(page) && !map.isClaimed(page);
    }

    /** What is claimed for a moment only is told: who has seen the claim relies on it. */
    @Test
    @Timeout(60)
    void aRunThatIsCutShortByAnotherThreadIsTold() throws InterruptedException {
        AtomicInteger brought = new AtomicInteger();
        AtomicInteger givenUp = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        AtomicIntegerArray owners = new AtomicIntegerArray(2048);
        map.whenGivenUp(givenUp::incrementAndGet);
        onFourThreads(random -> {
            int from = random.nextInt(2048);
            int limit = random.nextInt(200);
            int count;
            if (random.nextBoolean()) {
                count = map.claimUp(from, Math.min(limit, 2048 - from));
            } else {
                count = map.claimDown(from, Math.min(limit, from));
                from -= count;
            }
            for (int page = from; page < from + count; page++) {
                if (owners.incrementAndGet(page) != 1 || map.isPresent(page)) {
                    wrong.incrementAndGet();
                }
            }
            for (int page = from; page < from + count; page++) {
                owners.decrementAndGet(page);
            }
            if (givenUp.get() < RACES) {
                map.arrive(from, count);
                map.forget(from, count);
            } else if (random.nextInt(20) == 0) {
                brought.addAndGet(count);
                map.arrive(from, count);
            } else {
                map.release(from, count);
            }
        });
        assertThat(wrong).hasValue(0);
        assertThat(brought).hasValue(2048);
        for (int page = 0; page < 2048; page++) {
            assertThat(map.isClaimed(page)).isFalse();
        }
        assertThat(givenUp).hasPositiveValue();
    }

    /** Until all pages are there. */
    private void onFourThreads(Consumer<Random> step) throws InterruptedException {
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            Random random = new Random(t);
            threads[t] =
                    Thread.ofPlatform()
                            .start(() -> {
                                while (!map.allPresent()) {
                                    step.accept(random);
                                }
                            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
