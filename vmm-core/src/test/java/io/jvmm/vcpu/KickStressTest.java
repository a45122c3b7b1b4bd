// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * No kick is lost, whatever the vCPU does at that moment, and none shows in the guest.
 *
 * <p>A vCPU has one kick on its way at a time, so that no later one makes up for one that was lost;
 * a kick counts as answered when the thread has looked into its mailbox.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(900)
class KickStressTest {

    private static final int PAGES = StressGuest.ROLE_PAGES;

    /** Two compute, one halts, one each in port and device memory accesses, two want pages. */
    private static final int[] ROLES = {0, 1, 2, 3, 4, PAGES, PAGES, 1};

    private static final int KICKERS = 3;
    private static final int KICKS = Repetitions.of(25_000, 200_000, 250);
    private static final int COLLECTIONS_IN_A_STORM = 3;
    private static final long CALM_MILLIS = 300;
    private static final long ROUNDS_AFTERWARDS = 1;

    private final Queue<String> trouble = new ConcurrentLinkedQueue<>();

    private final VcpuThread.Listener listener =
            new VcpuThread.Listener() {
                @Override
                public void stopped(int index, VcpuStop stop) {
                    trouble.add("vCPU %d: %s".formatted(index, stop));
                }

                @Override
                public void died(int index, Throwable cause) {
                    trouble.add("vCPU %d: %s".formatted(index, cause));
                }
            };

    @ParameterizedTest
    @EnumSource
    void everyKickIsAnsweredAndNoneShows(KickStrategy strategy) throws Exception {
        List<VcpuThread> threads = new ArrayList<>();
        try (Kick kick = Kick.install();
                PayloadVm vm = new PayloadVm(Payload.STRESS, ROLES.length)) {
            StressGuest guest = new StressGuest(vm, ROLES);
            try (StressPages pages = new StressPages(vm, ROLES.length)) {
                try {
                    VcpuOptions options =
                            new VcpuOptions("stress", strategy, VcpuPlacement.ANYWHERE);
                    for (int i = 0; i < ROLES.length; i++) {
                        threads.add(
                                new VcpuThread(
                                        i,
                                        vm.vcpus.get(i),
                                        vm.loops.get(i),
                                        kick,
                                        options,
                                        listener));
                    }
                    resumeAll(threads);
                    do {
                        // Where a CPU is emulated, few kicks may all come before the first fault.
                        kickAll(threads);
                    } while (pages.heldBack() == 0);
                    pages.serveAll();
                    resumeAll(threads);
                    guest.awaitRounds(guest.rounds() + ROUNDS_AFTERWARDS, trouble);
                    assertThat(guest.failures()).isEmpty();
                    assertThat(trouble).isEmpty();
                } finally {
                    end(threads);
                }
            }
        }
    }

    private static void resumeAll(List<VcpuThread> threads) throws Exception {
        for (VcpuThread thread : threads) {
            thread.resume().get(120, TimeUnit.SECONDS);
        }
    }

    private static void end(List<VcpuThread> threads) throws InterruptedException {
        for (VcpuThread thread : threads) {
            CompletableFuture<Void> _ = thread.finish();
        }
        for (VcpuThread thread : threads) {
            assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
        }
    }

    /** From several threads, with storms of garbage collections meanwhile. */
    private static void kickAll(List<VcpuThread> threads) throws Exception {
        Kickers kickers = new Kickers(threads, KICKS);
        List<CompletableFuture<Void>> runs = new ArrayList<>();
        for (int seed = 0; seed < KICKERS; seed++) {
            runs.add(kickers.start(new Random(seed)));
        }
        CompletableFuture<Void> all =
                CompletableFuture.allOf(runs.toArray(CompletableFuture[]::new));
        while (!isDoneWithin(all, CALM_MILLIS)) {
            for (int i = 0; i < COLLECTIONS_IN_A_STORM; i++) {
                System.gc();
            }
        }
        kickers.awaitAnswers();
    }

    private static boolean isDoneWithin(CompletableFuture<Void> all, long millis)
            throws ExecutionException, InterruptedException {
        try {
            all.get(millis, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }
}
