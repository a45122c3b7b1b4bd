// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A pause that was asked for. To pause many vCPUs, ask all, then await each.
 *
 * <p>Thread-safe.
 */
public final class VcpuPause {

    private enum Stage {
        REQUESTED,
        IN_FAULT,
        OUT,
        WITHDRAWN
    }

    /**
     * How long the vCPU has before anybody asks whether it waits for a page. Where a signal gets it
     * out, it answers within milliseconds, and that is the better answer.
     */
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final VcpuThread thread;
    private final CompletableFuture<Void> out = new CompletableFuture<>();
    private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.REQUESTED);

    VcpuPause(VcpuThread thread) {
        this.thread = thread;
    }

    /**
     * Done when the vCPU is out of the guest and its last input or output is complete; fails when
     * the thread ends before, and by a {@link CancellationException} when the pause is withdrawn.
     */
    public CompletableFuture<Void> out() {
        return out.copy();
    }

    /**
     * Waits until the vCPU executes nothing.
     *
     * <p>The kick was sent with the request, and none is sent here: a thread that waits for a page
     * inside the kernel's own access to guest memory would only burn a CPU.
     *
     * @param waits who waits for missing pages
     * @param atMost how long to wait; zero to look once
     * @throws VcpuException the vCPU neither came out in time nor waits for a page, or its thread
     *     has ended, or somebody resumed it meanwhile. In the first case the request is withdrawn
     * @throws InterruptedException the request is withdrawn
     */
    public Quiescence await(PageWaits waits, Duration atMost) throws InterruptedException {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (true) {
            long left = deadline - System.nanoTime();
            boolean settled = stage.get() == Stage.OUT;
            if (isOutWithin(settled ? PATIENCE_NANOS : Math.clamp(left, 0, PATIENCE_NANOS))) {
                return Quiescence.OUT;
            }
            if (waits.isWaiting(thread.threadId()) && enterFault()) {
                return Quiescence.IN_FAULT;
            }
            if (left <= 0 && withdraw(Stage.REQUESTED)) {
                throw thread.failure(
                        "has not left the guest within %d ms, and waits for no missing page"
                                .formatted(atMost.toMillis()),
                        null);
            }
        }
    }

    private boolean isOutWithin(long nanos) throws InterruptedException {
        try {
            out.get(nanos, TimeUnit.NANOSECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw thread.failure("was not paused", e.getCause());
        } catch (CancellationException e) {
            throw thread.failure("was resumed before it had paused", e);
        } catch (InterruptedException e) {
            withdraw(Stage.REQUESTED);
            throw e;
        }
    }

    private boolean enterFault() {
        if (stage.get() == Stage.IN_FAULT) {
            return true;
        }
        thread.inFault(this, true);
        boolean entered = stage.compareAndSet(Stage.REQUESTED, Stage.IN_FAULT);
        if (!entered) {
            thread.inFault(this, false);
        }
        return entered;
    }

    /**
     * Takes a pause back that was answered {@link Quiescence#IN_FAULT}; false if it is complete.
     */
    boolean withdrawInFault() {
        return withdraw(Stage.IN_FAULT);
    }

    private boolean withdraw(Stage from) {
        if (!stage.compareAndSet(from, Stage.WITHDRAWN)) {
            return false;
        }
        out.cancel(false);
        return true;
    }

    /** Whether the vCPU shall go on. */
    boolean isWithdrawn() {
        return stage.get() == Stage.WITHDRAWN;
    }

    /**
     * The vCPU is out of the guest: from here on the pause cannot be withdrawn. Called by the
     * vCPU's thread, which {@link #answer}s next.
     *
     * @return what it was last known to be, or nothing if it was withdrawn before
     */
    Optional<Quiescence> settle() {
        Stage before;
        do {
            before = stage.get();
            if (before == Stage.WITHDRAWN) {
                return Optional.empty();
            }
        } while (!stage.compareAndSet(before, Stage.OUT));
        return Optional.of(before == Stage.IN_FAULT ? Quiescence.IN_FAULT : Quiescence.OUT);
    }

    /** What becomes of the pause. */
    CompletableFuture<Void> answer() {
        return out;
    }
}
