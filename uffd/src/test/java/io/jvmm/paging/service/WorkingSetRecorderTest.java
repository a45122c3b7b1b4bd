// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PageRequest;
import io.jvmm.paging.WorkingSet;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

@Timeout(60)
final class WorkingSetRecorderTest {

    private static final long PAGE = PageRequest.PAGE_BYTES;

    private final WorkingSetRecorder recorder = new WorkingSetRecorder();

    @Test
    void nothingWasWantedAtFirst() {
        assertThat(recorder.recorded()).isEqualTo(WorkingSet.EMPTY);
    }

    @Test
    void theOrderIsThatOfWantingAndAddressZeroIsAPage() {
        for (long page : new long[] {5, 0, 1L << 40}) {
            recorder.wanted(page * PAGE);
        }
        assertThat(recorder.recorded()).isEqualTo(WorkingSet.of(5 * PAGE, 0, (1L << 40) * PAGE));
    }

    @Test
    void whatGoesBeyondTheRoomIsLeftOut() {
        for (int page = 0; page < 2 * WorkingSetRecorder.CAPACITY; page++) {
            recorder.wanted(page * PAGE);
        }
        WorkingSet recorded = recorder.recorded();
        assertThat(recorded.size()).isEqualTo(WorkingSetRecorder.CAPACITY);
        for (int page = 0; page < recorded.size(); page++) {
            assertThat(recorded.gpa(page)).isEqualTo(page * PAGE);
        }
    }

    @Test
    void ofSeveralThreadsNothingIsLostNorThere() throws InterruptedException {
        int each = 3 * WorkingSetRecorder.PIECE;
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            long base = (long) t * each;
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int page = 0; page < each; page++) {
                                    recorder.wanted((base + page) * PAGE);
                                }
                            }));
        }
        while (threads.stream().anyMatch(Thread::isAlive)) {
            WorkingSet meanwhile = recorder.recorded();
            assertThat(addresses(meanwhile)).doesNotHaveDuplicates();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(addresses(recorder.recorded())).hasSize(4 * each).doesNotHaveDuplicates();
    }

    private static List<Long> addresses(WorkingSet set) {
        return IntStream.range(0, set.size()).mapToObj(set::gpa).toList();
    }
}
