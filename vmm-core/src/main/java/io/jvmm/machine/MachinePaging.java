// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static io.jvmm.machine.MachineState.PAUSED;
import static io.jvmm.machine.MachineState.RUNNING;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.paging.PagingEvent;
import io.jvmm.vcpu.VcpuStop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What a machine does on account of missing pages: operations like those that its owner asks for,
 * on threads of their own.
 */
final class MachinePaging implements PagingReactions.Owner {

    private static final Logger LOG = LoggerFactory.getLogger(MachinePaging.class);

    /** How long other operations of the machine wait for an attempt to change its fault mode. */
    private static final Duration ATTEMPT = Duration.ofSeconds(1);

    /** How long they have the machine between two attempts. */
    private static final Duration APART = Duration.ofMillis(100);

    private final AtomicBoolean fallingBack = new AtomicBoolean();
    private final Machine machine;
    private final MachineEvents events;

    MachinePaging(Machine machine, MachineEvents events) {
        this.machine = machine;
        this.events = events;
    }

    @Override
    public void note(PagingEvent event) {
        events.note(listener -> listener.paged(event));
    }

    @Override
    public void tellNoted() {
        events.tellAll();
    }

    @Override
    public Optional<Runnable> pauseForPaging() {
        Deadline deadline = Deadline.in(Machine.AMPLE);
        try {
            HeldClocks mine =
                    machine.operate(
                            "pause",
                            deadline,
                            () -> {
                                Standstill _ = machine.pauseNow(deadline);
                                return machine.heldClocks();
                            },
                            RUNNING);
            return Optional.of(() -> resumeFrom(mine));
        } catch (IllegalStateException e) {
            return Optional.empty();
        }
    }

    private void resumeFrom(HeldClocks pause) {
        Deadline deadline = Deadline.in(Machine.AMPLE);
        try {
            machine.operate(
                    "resume",
                    deadline,
                    () -> {
                        // Not a pause that somebody else has asked for meanwhile.
                        if (pause.equals(machine.heldClocks())) {
                            machine.resumeNow(deadline);
                        }
                        return null;
                    },
                    PAUSED);
        } catch (IllegalStateException e) {
            LOG.debug("{} is not paused any more", machine.config().name(), e);
        }
    }

    @Override
    public void fail(String reason) {
        machine.end(new MachineExit.Failed(reason, "", null));
    }

    /** A vCPU has stopped at a page that nobody names. Called on its thread; returns at once. */
    void stopped(int vcpu, VcpuStop.UnknownFault fault) {
        if (!fallingBack.compareAndSet(false, true)) {
            // The attempts under way are for this vCPU too.
            return;
        }
        String why = "vCPU %d: %s without the page".formatted(vcpu, Errno.of(fault.result()));
        Thread.ofPlatform()
                .name(machine.config().name() + "-fall-back")
                .daemon(true)
                .start(() -> fallBack(why));
    }

    /**
     * A vCPU in the middle of an instruction whose page does not come cannot be taken out. The
     * machine is not held meanwhile: the attempt is made again, until the page has come.
     */
    private void fallBack(String why) {
        try {
            boolean done;
            do {
                done = isFallenBack(why);
            } while (!done && !machine.awaitEnding(APART));
        } catch (IllegalStateException e) {
            LOG.debug("{} ended before its fault mode changed", machine.config().name(), e);
        } catch (RuntimeException e) {
            fail("%s, and going over to blocking faults failed: %s".formatted(why, e));
        }
    }

    private boolean isFallenBack(String why) {
        try {
            machine.operate(
                    "change its fault mode",
                    Deadline.in(Machine.AMPLE),
                    () -> {
                        fallBackNow(why);
                        return null;
                    },
                    RUNNING,
                    PAUSED);
            return true;
        } catch (DeadlineException e) {
            LOG.debug("{} cannot change its fault mode yet", machine.config().name(), e);
            return false;
        }
    }

    private void fallBackNow(String why) {
        try {
            machine.hardware().fallBack(why, Deadline.in(ATTEMPT));
            // Before the vCPUs go on, which may come to such a page again.
            fallingBack.set(false);
        } finally {
            if (machine.state() == RUNNING) {
                machine.hardware().board().run();
            }
        }
    }
}
