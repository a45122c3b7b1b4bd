// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.bus.IrqLine;

/**
 * Keeps an {@link IrqLine} at the level that a device's registers ask for, however many threads
 * change them.
 *
 * <p>A device works out its level under the lock of its registers and tells it by {@link #want}. It
 * must not drive the line there, and two threads that drive it later could do so in the wrong
 * order. So whoever changed the level calls {@link #settle} after the lock, which looks again at
 * what is wanted <em>now</em>: the last one to settle leaves the line as the registers have it.
 *
 * <p>Interrupts of the old PC are edges. If the level fell and rose again before anybody settled,
 * the line still makes the dip, and the edge is not lost.
 *
 * <p>LOCKS: {@code this} before the device's lock. The line is driven under {@code this}.
 */
final class LevelIrq {

    private final IrqLine line;
    private final Object deviceLock;

    private boolean wanted; // guarded by deviceLock
    private boolean dipped; // guarded by deviceLock
    private boolean driven; // guarded by this

    LevelIrq(IrqLine line, Object deviceLock) {
        this.line = line;
        this.deviceLock = deviceLock;
    }

    /**
     * Notes the level that the registers ask for. The caller holds the device's lock.
     *
     * @return whether the caller must {@link #settle} once it has let go of that lock
     */
    boolean want(boolean level) {
        if (level == wanted) {
            return false;
        }
        wanted = level;
        dipped |= !level;
        return true;
    }

    /** Drives the line. The caller does not hold the device's lock. */
    synchronized void settle() {
        boolean level;
        boolean dip;
        synchronized (deviceLock) {
            level = wanted;
            dip = dipped;
            dipped = false;
        }
        if (driven && (dip || !level)) {
            line.lower();
            driven = false;
        }
        if (level && !driven) {
            line.raise();
            driven = true;
        }
    }

    /**
     * Drives the line as if nothing were known about it, as after a restore. A level that is wanted
     * comes with an edge: an interrupt too many is looked into and dismissed, one too few hangs a
     * driver.
     */
    synchronized void restart() {
        driven = false;
        line.lower();
        settle();
    }
}
