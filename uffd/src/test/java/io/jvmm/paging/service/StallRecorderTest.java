// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.StallHistogram;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.List;

class StallRecorderTest {

    private final StallRecorder stalls = new StallRecorder();

    @Test
    void countsByPowersOfTwoAndThread() {
        stalls.record(7, 1023);
        stalls.record(7, 1024);
        stalls.record(8, 3);
        List<StallHistogram> histograms = stalls.histograms();
        assertThat(histograms).hasSize(2);
        StallHistogram first = histograms.getFirst();
        assertThat(first.threadId()).isEqualTo(7);
        assertThat(first.counts().get(9)).isEqualTo(1);
        assertThat(first.counts().get(10)).isEqualTo(1);
        assertThat(first.totalNanos()).isEqualTo(2047);
        assertThat(first.maxNanos()).isEqualTo(1024);
        assertThat(StallHistogram.sum(histograms).count()).isEqualTo(3);
    }

    /** The two readings of the clock may be the same. */
    @Test
    void aStallOfNoLengthCounts() {
        stalls.record(7, 0);
        assertThat(stalls.histograms().getFirst().counts().getFirst()).isEqualTo(1);
    }

    @Test
    void threadsBeyondAllMeasureShareAHistogram() {
        for (int thread = 1; thread <= 1030; thread++) {
            stalls.record(thread, thread);
        }
        List<StallHistogram> histograms = stalls.histograms();
        assertThat(histograms).hasSize(1025);
        assertThat(histograms.getLast().threadId()).isZero();
        assertThat(histograms.getLast().count()).isEqualTo(6);
        assertThat(histograms.getLast().maxNanos()).isEqualTo(1030);
    }

    @Test
    @Timeout(60)
    void nothingIsLostAmongThreads() throws InterruptedException {
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            threads[t] =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 1; i <= 20_000; i++) {
                                    stalls.record(i % 10, i);
                                }
                            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(stalls.histograms()).hasSize(10);
        StallHistogram sum = StallHistogram.sum(stalls.histograms());
        assertThat(sum.count()).isEqualTo(80_000);
        assertThat(sum.totalNanos()).isEqualTo(4 * 20_000L * 20_001 / 2);
        assertThat(sum.maxNanos()).isEqualTo(20_000);
    }
}
