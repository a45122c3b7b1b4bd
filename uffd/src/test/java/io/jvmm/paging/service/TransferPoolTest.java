// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicIntegerArray;

class TransferPoolTest {

    private static final int ROUNDS = 100_000;

    private static TransferPool pool(int size) {
        return new TransferPool(size, false, _ -> {});
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 63, 64})
    void aPartIsKeptBackForFaults(int size) {
        TransferPool pool = pool(size);
        List<Transfer> taken = new ArrayList<>();
        for (Transfer next = pool.take(false); next != null; next = pool.take(false)) {
            taken.add(next);
        }
        assertThat(taken).hasSize(size - Math.max(2, size / 4));
        for (Transfer next = pool.take(true); next != null; next = pool.take(true)) {
            taken.add(next);
        }
        assertThat(taken).hasSize(size);
        Set<Integer> indices = new HashSet<>();
        taken.forEach(transfer -> indices.add(transfer.index));
        assertThat(indices).hasSize(size);
        Transfer last = taken.get(size - 1);
        pool.give(last);
        assertThat(pool.take(false)).isNull();
        assertThat(pool.take(true)).isSameAs(last);
    }

    @Test
    void itIsClosedWhenAllAreBack() {
        TransferPool pool = pool(4);
        Transfer taken = taken(pool);
        assertThat(pool.tryClose()).isFalse();
        pool.give(taken);
        assertThat(pool.tryClose()).isTrue();
        assertThat(pool.tryClose()).as("again").isTrue();
        assertThat(pool.take(true)).isNull();
    }

    @Test
    void whatIsFetchedAheadLeavesPresentStagingToFaults() {
        TransferPool pool = new TransferPool(8, true, _ -> {});
        List<Transfer> ahead = new ArrayList<>();
        for (Transfer next = pool.take(false); next != null; next = pool.take(false)) {
            assertThat(pool.isPresent(next)).isFalse();
            ahead.add(next);
        }
        assertThat(ahead).hasSize(6);
        Transfer urgent = taken(pool);
        assertThat(pool.isPresent(urgent)).isTrue();
        pool.give(urgent);
        ahead.forEach(pool::give);
        assertThat(taken(pool)).as("also when there are others").isSameAs(urgent);
        pool.give(urgent);
        assertThat(pool.tryClose()).isTrue();
    }

    @Test
    void asMuchStagingIsPresentAsIsKeptBack() {
        TransferPool pool = new TransferPool(8, true, _ -> {});
        Transfer ahead = pool.take(false);
        Transfer urgent = taken(pool);
        assertThat(ahead).isNotNull();
        if (ahead != null) {
            pool.moved(ahead);
            assertThat(pool.isPresent(ahead)).as("there are enough").isFalse();
            pool.give(ahead);
        }
        for (int times = 0; times < 3; times++) {
            pool.moved(urgent);
            assertThat(pool.isPresent(urgent)).as("one of those for faults").isTrue();
        }
        pool.give(urgent);
        assertThat(present(pool)).isEqualTo(2);
        assertThat(pool.tryClose()).isTrue();
    }

    private static int present(TransferPool pool) {
        int present = 0;
        for (int index = 0; index < pool.size(); index++) {
            present += pool.isPresent(pool.get(index)) ? 1 : 0;
        }
        return present;
    }

    private static Transfer taken(TransferPool pool) {
        @Nullable Transfer transfer = pool.take(true);
        assertThat(transfer).isNotNull();
        return transfer == null ? pool.get(0) : transfer;
    }

    @Test
    @Timeout(60)
    void noTransferIsGivenToTwoThreads() throws InterruptedException {
        TransferPool pool = pool(4);
        AtomicIntegerArray users = new AtomicIntegerArray(4);
        AtomicIntegerArray wrong = new AtomicIntegerArray(1);
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            threads[t] =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int done = 0; done < ROUNDS; ) {
                                    Transfer transfer = pool.take(true);
                                    if (transfer != null) {
                                        if (users.incrementAndGet(transfer.index) != 1) {
                                            wrong.incrementAndGet(0);
                                        }
                                        users.decrementAndGet(transfer.index);
                                        pool.give(transfer);
                                        done++;
                                    }
                                }
                            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong.get(0)).isZero();
        assertThat(pool.tryClose()).isTrue();
    }
}
