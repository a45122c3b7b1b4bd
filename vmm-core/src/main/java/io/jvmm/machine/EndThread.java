// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The thread that takes a machine to its end. It exists from the machine's creation, and calling it
 * allocates nothing: a machine that ends for want of memory could not have a new thread, nor an
 * object to say so.
 */
final class EndThread {

    /** A step of the end that lacks memory is tried again after this time. */
    private static final long AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private static final Logger LOG = LoggerFactory.getLogger(Machine.class);

    private final String machine;
    private final Consumer<MachineExit> end;
    private final Thread thread;

    // Written once, by the caller that begins the end.
    private @Nullable MachineExit why;
    private @Nullable Throwable death;
    private int deadVcpu;
    private volatile boolean begun;

    /**
     * Starts the thread.
     *
     * @param end takes the machine to its end; runs on the thread, once
     */
    EndThread(String machine, Consumer<MachineExit> end) {
        this.machine = machine;
        this.end = end;
        thread = Thread.ofPlatform().name(machine + "-end").daemon(true).start(this::live);
    }

    /** Has the machine end. For the first caller only; allocates nothing, never waits. */
    void begin(MachineExit reason) {
        why = reason;
        begun = true;
        LockSupport.unpark(thread);
    }

    /** As {@link #begin}, for a vCPU whose thread has died. */
    void begin(int vcpu, Throwable cause) {
        deadVcpu = vcpu;
        death = cause;
        begun = true;
        LockSupport.unpark(thread);
    }

    private void live() {
        while (!begun) {
            LockSupport.park(this);
        }
        persist(this::report);
        MachineExit reason = why;
        if (reason != null) {
            end.accept(reason);
        }
    }

    /** Puts into words why a vCPU's thread died. */
    private void report() {
        Throwable cause = death;
        if (cause != null) {
            why =
                    new MachineExit.Failed(
                            "vCPU %d died of a fault of the monitor: %s".formatted(deadVcpu, cause),
                            "",
                            cause);
        }
    }

    /** Does one step of the end, as often as it takes until there is memory for it. */
    void persist(Runnable step) {
        while (true) {
            try {
                step.run();
                return;
            } catch (OutOfMemoryError e) {
                LockSupport.parkNanos(AGAIN_NANOS);
            } catch (RuntimeException | Error e) {
                log(e);
                return;
            }
        }
    }

    private void log(Throwable e) {
        try {
            LOG.error("{}: a step of its end failed", machine, e);
        } catch (OutOfMemoryError _) {
            // The end comes without it.
        }
    }
}
