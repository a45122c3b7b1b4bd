// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The states of a machine and the legal ways between them.
 *
 * <p>What takes a machine from one state to another, or needs it to stay in one, is an operation:
 * one at a time, and only from the states that allow it. The end is no operation: it comes at any
 * moment, forbids new operations, and waits for the one under way, which fails soon because the
 * vCPUs are gone.
 */
final class Life {

    private final String machine;
    private final MachineEvents events;

    // LOCKS: operation is held while vCPUs are waited for, so no vCPU thread ever takes it.
    private final ReentrantLock operation = new ReentrantLock();
    private final Condition changed = operation.newCondition();
    private final BooleanSupplier isReserved;
    private final AtomicBoolean ending = new AtomicBoolean();
    private final CountDownLatch endBegun = new CountDownLatch(1);
    private volatile MachineState state;

    /**
     * @param isReserved whether the next operation is that of {@link #first}: what the guest asked
     *     for comes before anything that others ask for meanwhile
     */
    Life(String machine, MachineState first, MachineEvents events, BooleanSupplier isReserved) {
        this.machine = machine;
        this.isReserved = isReserved;
        this.state = first;
        this.events = events;
    }

    MachineState state() {
        return state;
    }

    /**
     * Does something that only some states allow. Events are told when it is done.
     *
     * @param verb what is done, for the message: "pause", "be saved"
     * @throws IllegalStateException the machine is in another state, or ended meanwhile
     * @throws DeadlineException another operation took all of the time
     */
    <T> T during(String verb, Deadline deadline, Supplier<T> action, MachineState... allowed) {
        if (!deadline.await(left -> operation.tryLock(left.toNanos(), TimeUnit.NANOSECONDS))) {
            throw busy(verb);
        }
        try {
            // A callback within an operation of this thread does not wait for another one.
            while (isReserved.getAsBoolean() && !isEnding() && operation.getHoldCount() == 1) {
                if (!deadline.await(left -> changed.awaitNanos(left.toNanos()) > 0)) {
                    throw busy(verb);
                }
            }
            if (isEnding() || !Arrays.asList(allowed).contains(state)) {
                throw refusal(verb);
            }
            return action.get();
        } catch (VcpusGoneException e) {
            IllegalStateException refusal = refusal(verb);
            refusal.addSuppressed(e);
            throw refusal;
        } finally {
            operation.unlock();
            events.tellAll();
        }
    }

    /**
     * Does what was reserved, whatever the state, before all other operations but one under way.
     * Does nothing once the end has begun.
     */
    void first(Runnable action) {
        operation.lock();
        try {
            if (!isEnding()) {
                action.run();
            }
        } finally {
            changed.signalAll();
            operation.unlock();
            events.tellAll();
        }
    }

    private DeadlineException busy(String verb) {
        return new DeadlineException(
                "machine %s was busy all the time and could not %s".formatted(machine, verb));
    }

    private IllegalStateException refusal(String verb) {
        MachineState now = state;
        boolean between = isEnding() && now.compareTo(MachineState.ENDED) < 0;
        return new IllegalStateException(
                "machine %s is %s and cannot %s"
                        .formatted(machine, between ? "ending" : now, verb));
    }

    /** Goes to another state, within an operation. */
    void enter(MachineState next) {
        state = next;
        events.note(listener -> listener.stateChanged(next));
    }

    /** From now on there are no new operations; returns whether this was the first call. */
    boolean beginEnd() {
        boolean first = ending.compareAndSet(false, true);
        endBegun.countDown();
        return first;
    }

    boolean isEnding() {
        return ending.get();
    }

    /** Waits for the end to begin; returns whether it has. */
    boolean awaitEnd(Deadline deadline) {
        return deadline.await(left -> endBegun.await(left.toNanos(), TimeUnit.NANOSECONDS));
    }

    /** Waits until no operation is under way, and does something then. */
    void afterOperations(Runnable action) {
        operation.lock();
        try {
            action.run();
        } finally {
            // Those behind what was reserved are refused now.
            changed.signalAll();
            operation.unlock();
        }
    }
}
