// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.atomic.AtomicInteger;

@Timeout(60)
final class ShardLockTest {

    @Test
    void whereShardsStayNothingIsLockedAndNothingReplaced() {
        ShardLock lock = new ShardLock(false);
        long stamp = lock.hold();
        lock.release(stamp);
        assertThat(lock.mayReplaceShards()).isFalse();
        assertThatThrownBy(() -> lock.exclusively(() -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the shards were to stay as they are");
    }

    @Test
    void replacingWaitsForAllWhoPutPagesInPlace() throws InterruptedException {
        ShardLock lock = new ShardLock(true);
        AtomicInteger holders = new AtomicInteger(2);
        AtomicInteger seen = new AtomicInteger(-1);
        long first = lock.hold();
        long second = lock.hold();
        Thread replacing =
                Thread.ofPlatform().start(() -> lock.exclusively(() -> seen.set(holders.get())));
        while (replacing.isAlive() && replacing.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        holders.decrementAndGet();
        lock.release(first);
        holders.decrementAndGet();
        lock.release(second);
        replacing.join();
        assertThat(seen).as("holders while shards were replaced").hasValue(0);
    }

    @Test
    void whatFailsExclusivelyLetsGo() {
        ShardLock lock = new ShardLock(true);
        assertThatThrownBy(() ->
                        lock.exclusively(() -> {
                            throw new IllegalArgumentException("on purpose");
                        }))
                .isInstanceOf(IllegalArgumentException.class);
        lock.release(lock.hold());
    }
}
