// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.concurrent.locks.StampedLock;

/**
 * Keeps shards from being replaced while pages are put in place.
 *
 * <p>LOCKS: held for reading while pages are put in place, for writing while shards are replaced.
 * Neither waits for anything but the kernel, and nobody who waits for a page holds it. Where shards
 * are never replaced, nothing is locked.
 */
final class ShardLock {

    private static final long UNLOCKED = 0;

    private final StampedLock lock = new StampedLock();
    private final boolean mayReplaceShards;

    /**
     * @param mayReplaceShards whether {@link #exclusively} may be called
     */
    ShardLock(boolean mayReplaceShards) {
        this.mayReplaceShards = mayReplaceShards;
    }

    /** Whether shards may be replaced at all. */
    boolean mayReplaceShards() {
        return mayReplaceShards;
    }

    /** Keeps the shards as they are, until {@link #release}. */
    long hold() {
        return mayReplaceShards ? lock.readLock() : UNLOCKED;
    }

    /**
     * Ends what {@link #hold} began.
     *
     * @param stamp its result
     */
    void release(long stamp) {
        if (stamp != UNLOCKED) {
            lock.unlockRead(stamp);
        }
    }

    /** Does something while no page is being put in place. */
    void exclusively(Runnable action) {
        if (!mayReplaceShards) {
            throw new IllegalStateException("the shards were to stay as they are");
        }
        long stamp = lock.writeLock();
        try {
            action.run();
        } finally {
            lock.unlockWrite(stamp);
        }
    }
}
