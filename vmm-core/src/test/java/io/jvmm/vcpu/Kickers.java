// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that kick vCPUs at random moments. A vCPU is kicked again when it has answered the last
 * kick, and by whichever thread is free then.
 */
final class Kickers {

    /** How long a vCPU may take to answer on a machine that does much else. */
    private static final long PATIENCE_SECONDS = 60;

    /** Of so many kicks one pauses the vCPU, so that others have the processors for a while. */
    private static final int PAUSE_EVERY = 32;

    /** How many kicks of others a pause lasts. */
    private static final int PAUSED_FOR = 150;

    private static final int LEAST_RUNNING = 3;
    private static final int LOOK_EVERY_MILLIS = 20;
    private static final int LONGEST_DELAY_NANOS = 40_000;

    private final List<VcpuThread> threads;
    private final BlockingQueue<Integer> idle;
    private final int kicks;
    private final AtomicInteger left;

    /** Paused vCPUs, in the order in which they are to be resumed. */
    private final Queue<Paused> paused = new ConcurrentLinkedQueue<>();

    private final Semaphore mayPause;

    /** A vCPU that stays paused until only so many kicks are left. */
    private record Paused(int index, int until) {}

    Kickers(List<VcpuThread> threads, int kicks) {
        this.threads = threads;
        this.kicks = kicks;
        this.left = new AtomicInteger(kicks);
        this.mayPause = new Semaphore(threads.size() - LEAST_RUNNING);
        this.idle = new ArrayBlockingQueue<>(threads.size());
        for (int i = 0; i < threads.size(); i++) {
            idle.add(i);
        }
    }

    /** Starts one; done when enough kicks are sent, or one was not answered. */
    CompletableFuture<Void> start(Random random) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .name("kicker")
                .start(() -> {
                    try {
                        while (left.get() > 0) {
                            kickOne(random);
                        }
                        done.complete(null);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }

    private void kickOne(Random random) throws InterruptedException {
        resumeDue();
        int index = next();
        VcpuThread thread = threads.get(index);
        long until = System.nanoTime() + random.nextInt(LONGEST_DELAY_NANOS);
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
        int behind = left.decrementAndGet();
        if (random.nextInt(PAUSE_EVERY) == 0 && mayPause.tryAcquire()) {
            Paused next = new Paused(index, behind - PAUSED_FOR);
            CompletableFuture<?> _ =
                    thread.pause().out().whenComplete((_, e) -> afterPause(next, e));
        } else {
            // A vCPU that runs refuses it, which takes a look into the mailbox as well.
            CompletableFuture<?> _ =
                    thread.whilePaused(vcpu -> vcpu).whenComplete((_, _) -> idle.add(index));
        }
    }

    private void afterPause(Paused next, @Nullable Throwable failure) {
        // One that failed is never kicked again, and is missed at the end.
        if (failure == null) {
            paused.add(next);
        }
    }

    private void resumeDue() {
        Paused first = paused.peek();
        if (first != null && left.get() <= first.until && paused.remove(first)) {
            resume(first);
        }
    }

    private void resume(Paused vcpu) {
        mayPause.release();
        CompletableFuture<?> _ =
                threads.get(vcpu.index).resume().whenComplete((_, _) -> idle.add(vcpu.index));
    }

    private int next() throws InterruptedException {
        Integer index = idle.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (index == null) {
            throw new AssertionError(
                    "no vCPU has answered for %d s, after %d kicks of %d"
                            .formatted(PATIENCE_SECONDS, kicks - left.get(), kicks));
        }
        return index;
    }

    /** Resumes those that are paused, and waits until the last kick of every vCPU is answered. */
    void awaitAnswers() throws InterruptedException {
        BitSet answered = new BitSet();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (answered.cardinality() < threads.size()) {
            // The last pauses may be complete only now.
            for (Paused each = paused.poll(); each != null; each = paused.poll()) {
                resume(each);
            }
            Integer index = idle.poll(LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
            if (index != null) {
                answered.set(index);
            } else if (System.nanoTime() > deadline) {
                throw new AssertionError("only vCPUs %s have answered".formatted(answered));
            }
        }
    }
}
