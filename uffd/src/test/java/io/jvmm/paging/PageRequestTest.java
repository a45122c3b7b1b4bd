// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

class PageRequestTest {

    private final AtomicInteger ends = new AtomicInteger();
    private final PageRequest request = new PageRequest(_ -> ends.incrementAndGet());
    private final MemorySegment memory =
            Arena.ofAuto().allocate((long) PageRequest.MAX_PAGES * PageRequest.PAGE_BYTES);

    private void begin(int pages) {
        request.begin(0x10_0000, pages, Priority.SWEEP, memory, 0);
    }

    @Test
    void endsWithTheAnswerToItsLastPageInWhateverOrder() {
        begin(200);
        request.filled(100, 100);
        request.zero(0, 1);
        request.filled(2, 98);
        assertThat(ends).hasValue(0);
        assertThat(request.isAnswered()).isFalse();
        request.failed(1, 1, PageFailure.AWAY);
        assertThat(ends).hasValue(1);
        assertThat(request.isAnswered()).isTrue();
        assertThat(request.isZero(0)).isTrue();
        assertThat(request.isFailed(1)).isTrue();
        assertThat(request.isZero(2) || request.isFailed(2)).isFalse();
        assertThat(request.failure()).isEqualTo(PageFailure.AWAY);
        assertThat(request.isComplete()).isFalse();
    }

    @Test
    void theFirstAnswerToAPageHolds() {
        begin(3);
        request.zero(0, 2);
        request.filled(0, 2);
        request.failed(1, 1, PageFailure.CANCELLED);
        assertThat(ends).hasValue(0);
        request.zero(0, 3);
        assertThat(ends).hasValue(1);
        assertThat(request.isAllZero()).isTrue();
        assertThat(request.isComplete()).isTrue();
    }

    @Test
    void nothingOfALifeIsLeftInTheNext() {
        begin(512);
        request.failed(0, 512, PageFailure.LOST);
        begin(512);
        assertThat(request.failure()).isNull();
        assertThat(request.isComplete()).isTrue();
        request.filled(0, 512);
        assertThat(request.isAllZero()).isFalse();
        assertThat(ends).hasValue(2);
    }

    @Test
    void theWorstFailureIsTold() {
        begin(3);
        request.failed(0, 1, PageFailure.LOST);
        request.failed(1, 1, PageFailure.AWAY);
        request.failed(2, 1, PageFailure.CANCELLED);
        assertThat(request.failure()).isEqualTo(PageFailure.LOST);
    }

    @Test
    void priorityOnlyRises() {
        begin(1);
        request.raise(Priority.URGENT);
        request.raise(Priority.PREFETCH);
        assertThat(request.priority()).isEqualTo(Priority.URGENT);
    }

    @Test
    void oneLifeAtATime() {
        begin(1);
        assertThatIllegalStateException().isThrownBy(() -> begin(1));
        request.filled(0, 1);
        begin(1);
    }

    @Test
    void refusesWhatIsNoRunOfPages() {
        assertThatIllegalArgumentException().isThrownBy(() -> begin(0));
        assertThatIllegalArgumentException().isThrownBy(() -> begin(513));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> request.begin(1, 1, Priority.SWEEP, memory, 0));
    }

    @Test
    @Timeout(60)
    void answersFromManyThreadsEndItOnce() throws InterruptedException {
        for (int life = 0; life < 200; life++) {
            begin(512);
            Thread[] threads = new Thread[4];
            for (int t = 0; t < threads.length; t++) {
                int own = t;
                threads[t] =
                        Thread.ofPlatform()
                                .start(() -> {
                                    for (int page = 0; page < 512; page++) {
                                        // Half of the pages are answered by two threads.
                                        if (page % 4 == own || page % 8 == own) {
                                            request.zero(page, 1);
                                        }
                                    }
                                });
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(ends).hasValue(life + 1);
            assertThat(request.isAllZero()).isTrue();
        }
    }
}
