// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadChecksum;

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
import java.util.concurrent.TimeUnit;

/**
 * A guest that is paused and looked at from top to bottom, again and again, computes what it would
 * have computed.
 */
@RequiresKvm
@Timeout(900)
class ChecksumPauseTest {

    private static final int VCPUS = 2;
    private static final int PAUSES = Repetitions.of(1_000, 10_000, 20);
    private static final int LOOK_TWICE_EVERY = 16;
    private static final int LONGEST_DELAY_NANOS = 400_000;
    private static final Duration AT_MOST = Duration.ofSeconds(60);

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
    void pausesAtAnyMomentDoNotChangeTheChecksum(KickStrategy strategy) throws Exception {
        List<VcpuThread> threads = new ArrayList<>();
        try (Kick kick = Kick.install();
                PayloadVm vm = new PayloadVm(Payload.CHECKSUM, VCPUS)) {
            ChecksumGuest guest = new ChecksumGuest(vm, VCPUS);
            List<Integer> msrs = VcpuStateMsrs.toSave(vm.kvm, vm.vcpus.getFirst());
            VcpuOptions options = new VcpuOptions("checksum", strategy, VcpuPlacement.ANYWHERE);
            try {
                for (int i = 0; i < VCPUS; i++) {
                    threads.add(
                            new VcpuThread(
                                    i, vm.vcpus.get(i), vm.loops.get(i), kick, options, listener));
                }
                resume(threads);
                assertThat(guest.awaitUp(60)).isTrue();
                Random random = new Random(1);
                for (int i = 0; i < PAUSES; i++) {
                    runForAWhile(random);
                    pause(threads);
                    readAll(vm.vm, threads, msrs, i % LOOK_TWICE_EVERY == 0);
                }
                guest.finish();
                assertThat(guest.awaitDone(60)).as(guest.trouble()).isTrue();
                assertThat(trouble).isEmpty();
            } finally {
                end(threads);
            }
            for (int i = 0; i < VCPUS; i++) {
                ChecksumGuest.Result result = guest.result(i);
                assertThat(result.rounds()).isPositive();
                assertThat(result.ticks()).isPositive();
                assertThat(result.checksum())
                        .as("vCPU %d after %d rounds", i, result.rounds())
                        .isEqualTo(new PayloadChecksum(i).after(result.rounds()));
            }
        }
    }

    private static void runForAWhile(Random random) {
        long until = System.nanoTime() + random.nextInt(LONGEST_DELAY_NANOS);
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
    }

    private static void pause(List<VcpuThread> threads) throws InterruptedException {
        List<VcpuPause> pauses = threads.stream().map(VcpuThread::pause).toList();
        for (VcpuPause pause : pauses) {
            assertThat(pause.await(PageWaits.NONE, AT_MOST)).isEqualTo(Quiescence.OUT);
        }
    }

    /**
     * All that a saved machine would hold, then resumes; reading must not change what it reads.
     * What the threads shall do is sent at once, or the test would last as long as a busy machine
     * takes to switch to each of them.
     */
    private static void readAll(
            KvmVm vm, List<VcpuThread> threads, List<Integer> msrs, boolean twice)
            throws Exception {
        for (int chip = KvmConstants.KVM_IRQCHIP_PIC_MASTER;
                chip <= KvmConstants.KVM_IRQCHIP_IOAPIC;
                chip++) {
            assertThat(vm.irqchip(chip).length).isPositive();
        }
        assertThat(vm.clock().nanoseconds()).isPositive();
        List<CompletableFuture<VcpuState>> states = new ArrayList<>();
        List<CompletableFuture<VcpuState>> again = new ArrayList<>();
        for (VcpuThread thread : threads) {
            states.add(thread.whilePaused(vcpu -> VcpuState.capture(vcpu, msrs)));
            if (twice) {
                again.add(thread.whilePaused(vcpu -> VcpuState.capture(vcpu, msrs)));
            }
            CompletableFuture<Void> _ = thread.resume();
        }
        for (int i = 0; i < threads.size(); i++) {
            VcpuState state = get(states.get(i));
            assertThat(state.lapic().length()).isPositive();
            if (twice) {
                assertThat(get(again.get(i)).regs()).isEqualTo(state.regs());
                assertThat(get(again.get(i)).xsave()).isEqualTo(state.xsave());
            }
        }
    }

    private static void resume(List<VcpuThread> threads) throws Exception {
        for (VcpuThread thread : threads) {
            get(thread.resume());
        }
    }

    private static void end(List<VcpuThread> threads) throws InterruptedException {
        for (VcpuThread thread : threads) {
            CompletableFuture<Void> _ = thread.finish();
        }
        for (VcpuThread thread : threads) {
            assertThat(thread.join(AT_MOST)).isTrue();
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }
}
