// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * What listeners are to hear, one event after the other, in the order in which it happened.
 *
 * <p>Events are noted where they happen, under whatever locks, and told later, under none, by the
 * thread that has brought one about; while one thread tells, others leave theirs to it. So a
 * listener may call the machine, and what follows from that is told after it returns.
 */
final class MachineEvents {

    private static final Logger LOG = LoggerFactory.getLogger(MachineEvents.class);

    private final String machine;
    private final List<MachineListener> listeners = new CopyOnWriteArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition told = lock.newCondition();

    // Guarded by lock.
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private @Nullable Thread teller;

    MachineEvents(String machine) {
        this.machine = machine;
    }

    void add(MachineListener listener) {
        listeners.add(listener);
    }

    /** Notes what all listeners are to hear. */
    void note(Consumer<MachineListener> event) {
        noteFollowUp(() -> tell(event));
    }

    /** Notes what is to be done when all that came before was told. */
    void noteFollowUp(Runnable action) {
        lock.lock();
        try {
            waiting.add(action);
        } finally {
            lock.unlock();
        }
    }

    /** Tells what waits, unless another thread is at it. */
    void tellAll() {
        @Nullable Runnable next;
        while ((next = takeTurn()) != null) {
            try {
                next.run();
            } catch (Throwable e) {
                // What follows is told all the same: the machine's end may be among it.
                warn("an event was not told", e);
            } finally {
                endTurn();
            }
        }
    }

    /** Whether this thread is in a listener's callback. */
    boolean isTelling() {
        lock.lock();
        try {
            return Thread.currentThread().equals(teller);
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nothing is left to tell; from a callback, does not wait. */
    boolean awaitTold(Deadline deadline) {
        return isTelling() || deadline.await(left -> awaitTold(left.toNanos()));
    }

    private boolean awaitTold(long nanos) throws InterruptedException {
        long left = nanos;
        lock.lock();
        try {
            while (teller != null || !waiting.isEmpty()) {
                if (left <= 0) {
                    return false;
                }
                left = told.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Runnable takeTurn() {
        lock.lock();
        try {
            if (teller != null) {
                return null;
            }
            Runnable next = waiting.poll();
            if (next != null) {
                teller = Thread.currentThread();
            }
            return next;
        } finally {
            lock.unlock();
        }
    }

    private void endTurn() {
        lock.lock();
        try {
            teller = null;
            told.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void tell(Consumer<MachineListener> event) {
        for (MachineListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (Throwable e) {
                warn("a listener failed", e);
            }
        }
    }

    private void warn(String what, Throwable e) {
        try {
            LOG.warn("{}: {}", machine, what, e);
        } catch (OutOfMemoryError _) {
            // There is no memory to say so.
        }
    }
}
