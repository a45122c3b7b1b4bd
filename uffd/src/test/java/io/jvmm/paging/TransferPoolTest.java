package io.jvmm.paging;

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
