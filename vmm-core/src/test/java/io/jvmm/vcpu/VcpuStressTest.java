// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What a monitor does to its vCPUs at any moment must not show in the guest. */
@RequiresKvm
@Timeout(240)
class VcpuStressTest {

    private static final int HALTS = 1;
    private static final int[] ROLES = {0, HALTS, 2, 3, 4, 5, 4, 2};
    private static final int CONTROLLERS = 3;
    private static final int PAUSES_EACH = Repetitions.of(700);
    private static final long ROUNDS = 1;

    private final List<String> stops = new ArrayList<>();

    private final VcpuThread.Listener listener =
            new VcpuThread.Listener() {
                @Override
                public void stopped(int index, VcpuStop stop) {
                    add("vCPU %d: %s".formatted(index, stop));
                }

                @Override
                public void died(int index, Throwable cause) {
                    add("vCPU %d: %s".formatted(index, cause));
                }

                private void add(String what) {
                    synchronized (stops) {
                        stops.add(what);
                    }
                }
            };

    @Test
    void pausesAtAnyMomentChangeNothing() throws Exception {
        try (Kick kick = Kick.install();
                PayloadVm vm = new PayloadVm(Payload.STRESS, ROLES.length)) {
            StressGuest guest = new StressGuest(vm, ROLES);
            VcpuOptions options =
                    new VcpuOptions("stress", KickStrategy.IMMEDIATE_EXIT, VcpuPlacement.ANYWHERE);
            List<VcpuThread> threads = new ArrayList<>();
            for (int i = 0; i < ROLES.length; i++) {
                threads.add(
                        new VcpuThread(
                                i, vm.vcpus.get(i), vm.loops.get(i), kick, options, listener));
            }
            try {
                for (VcpuThread thread : threads) {
                    get(thread.resume());
                }
                AtomicInteger reads = new AtomicInteger();
                List<CompletableFuture<Void>> controllers = new ArrayList<>();
                for (int seed = 0; seed < CONTROLLERS; seed++) {
                    controllers.add(control(threads, new Random(seed), reads));
                }
                CompletableFuture<Void> all =
                        CompletableFuture.allOf(controllers.toArray(CompletableFuture[]::new));
                while (!all.isDone()) {
                    System.gc();
                }
                get(all);
                long before = guest.rounds();
                awaitRounds(guest, before + ROUNDS);
                // Two controllers of one vCPU get into each other's way, but not always.
                assertThat(reads.get()).isGreaterThan(CONTROLLERS * PAUSES_EACH / 2);
                assertThat(guest.failures()).isEmpty();
                assertThat(stops).isEmpty();
            } finally {
                for (VcpuThread thread : threads) {
                    CompletableFuture<Void> _ = thread.finish();
                }
                for (VcpuThread thread : threads) {
                    assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
                }
            }
        }
    }

    /** Pauses, looks and resumes; what it looks at stands still meanwhile. */
    private static CompletableFuture<Void> control(
            List<VcpuThread> threads, Random random, AtomicInteger reads) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread.ofPlatform()
                .start(() -> {
                    try {
                        for (int i = 0; i < PAUSES_EACH; i++) {
                            VcpuThread thread = threads.get(random.nextInt(threads.size()));
                            CompletableFuture<Void> paused = thread.pause().out();
                            if (looksStill(thread)) {
                                reads.incrementAndGet();
                            }
                            get(paused);
                            get(thread.resume());
                        }
                        done.complete(null);
                    } catch (Throwable e) {
                        done.completeExceptionally(e);
                    }
                });
        return done;
    }

    /** Whether the vCPU was still paused when it was looked at. */
    private static boolean looksStill(VcpuThread thread) throws Exception {
        try {
            assertThat(get(thread.whilePaused(VcpuStressTest::standsStill))).isTrue();
            return true;
        } catch (ExecutionException e) {
            assertThat(e)
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is RUNNING");
            return false;
        }
    }

    private static boolean standsStill(KvmVcpu vcpu) {
        Regs regs = vcpu.regs();
        Sregs sregs = vcpu.sregs();
        return vcpu.regs().equals(regs) && vcpu.sregs().equals(sregs);
    }

    private void awaitRounds(StressGuest guest, long rounds) {
        while (guest.rounds() < rounds && guest.failures().isEmpty()) {
            synchronized (stops) {
                assertThat(stops).isEmpty();
            }
            Thread.onSpinWait();
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(120, TimeUnit.SECONDS);
    }
}
