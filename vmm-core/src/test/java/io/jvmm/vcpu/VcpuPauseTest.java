// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A vCPU is paused in any state that it can be in, also while a page is missing. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(120)
class VcpuPauseTest {

    private static final Duration AT_MOST = Duration.ofSeconds(30);

    private Kick kick;
    private final CompletableFuture<Integer> latePause = new CompletableFuture<>();
    private final CompletableFuture<Object> trouble = new CompletableFuture<>();

    private final VcpuThread.Listener listener =
            new VcpuThread.Listener() {
                @Override
                public void stopped(int index, VcpuStop stop) {
                    trouble.complete(stop);
                }

                @Override
                public void died(int index, Throwable cause) {
                    trouble.complete(cause);
                }

                @Override
                public void paused(int index) {
                    latePause.complete(index);
                }
            };

    @BeforeEach
    void install() {
        kick = Kick.install();
    }

    @AfterEach
    void uninstall() {
        kick.close();
        assertThat(trouble).isNotDone();
    }

    private VcpuThread running(FaultVm vm, KickStrategy strategy) throws Exception {
        VcpuOptions options = new VcpuOptions("test", strategy, VcpuPlacement.ANYWHERE);
        VcpuThread thread = new VcpuThread(3, vm.vcpu, vm.loop, kick, options, listener);
        get(thread.resume());
        return thread;
    }

    private static void awaitFault(FaultVm vm) throws Exception {
        assertThat(vm.wanted.await(30, TimeUnit.SECONDS)).isTrue();
    }

    private static void end(VcpuThread thread) throws Exception {
        get(thread.finish());
        assertThat(thread.join(AT_MOST)).isTrue();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private static Regs regsOf(VcpuThread thread) throws Exception {
        return get(thread.whilePaused(vcpu -> vcpu.regs()));
    }

    @ParameterizedTest
    @EnumSource
    void whereTheProcessorTookTheFaultItComesOut(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            // On a busy machine somebody may look before it has come out.
            VcpuPause pause = thread.pause();
            assertThat(pause.await(PageWaits.NONE, AT_MOST)).isEqualTo(Quiescence.OUT);
            assertThat(regsOf(thread).rbx()).isZero();
            get(thread.resume());
            vm.pages.bring(FaultVm.MISSING);
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            end(thread);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whereTheKernelWaitsForThePageItIsInAFaultUntilThatComes(KickStrategy strategy)
            throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.STRING_OUT)) {
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            VcpuPause pause = thread.pause();
            assertThat(pause.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            assertThat(pause.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            assertThat(pause.out()).isNotDone();
            assertThat(latePause).isNotDone();

            vm.pages.bring(FaultVm.MISSING);
            get(pause.out());
            assertThat(get(latePause)).isEqualTo(3);
            assertThat(pause.await(vm.pages, Duration.ZERO)).isEqualTo(Quiescence.OUT);
            // The instruction is complete, and none behind it has run.
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            assertThat(regsOf(thread).rbx()).isZero();
            end(thread);
        }
    }

    @ParameterizedTest
    @EnumSource
    void resumeTakesAPauseInAFaultBack(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.STRING_OUT)) {
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            VcpuPause pause = thread.pause();
            assertThat(pause.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            get(thread.resume());
            assertThatThrownBy(() -> get(pause.out()))
                    .hasCauseInstanceOf(CancellationException.class);

            vm.pages.bring(FaultVm.MISSING);
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            VcpuPause second = thread.pause();
            assertThat(second.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.OUT);
            assertThat(latePause).isNotDone();
            get(thread.resume());
            assertThat(thread.state()).isEqualTo(VcpuThread.State.RUNNING);
            end(thread);
        }
    }

    /** The withdrawn pause and the resume behind it must not undo a pause that comes after both. */
    @ParameterizedTest
    @EnumSource
    void aPauseBehindOneThatWasTakenBackHolds(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.STRING_OUT)) {
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            assertThat(thread.pause().await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            get(thread.resume());
            VcpuPause second = thread.pause();
            assertThat(second.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            vm.pages.bring(FaultVm.MISSING);
            get(second.out());
            assertThat(get(latePause)).isEqualTo(3);
            assertThat(thread.state()).isEqualTo(VcpuThread.State.PAUSED);
            end(thread);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoIsFinishedInAFaultEndsWhenItIsLetGo(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.STRING_OUT)) {
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            VcpuPause pause = thread.pause();
            assertThat(pause.await(vm.pages, AT_MOST)).isEqualTo(Quiescence.IN_FAULT);
            CompletableFuture<Void> finished = thread.finish();
            vm.pages.letGo(FaultVm.MISSING, MissingPages.PAGE);
            get(finished);
            assertThat(thread.join(AT_MOST)).isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoNeitherAnswersNorWaitsIsNamedAndGoesOn(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            CountDownLatch entered = new CountDownLatch(1);
            CountDownLatch leave = new CountDownLatch(1);
            VcpuThread thread = running(vm, strategy);
            awaitFault(vm);
            VcpuPause held = thread.pause();
            get(held.out());
            // A visitor that does not leave stands for whatever keeps the thread busy.
            CompletableFuture<Boolean> visitor =
                    thread.whilePaused(vcpu -> {
                        entered.countDown();
                        return awaited(leave);
                    });
            assertThat(entered.await(30, TimeUnit.SECONDS)).isTrue();
            CompletableFuture<Void> resumed = thread.resume();
            VcpuPause pause = thread.pause();
            assertThatThrownBy(() -> pause.await(PageWaits.NONE, Duration.ofMillis(30)))
                    .isInstanceOfSatisfying(
                            VcpuException.class, e -> assertThat(e.vcpu()).isEqualTo(3))
                    .hasMessage(
                            "vCPU 3 has not left the guest within 30 ms, and waits for no missing"
                                    + " page");
            leave.countDown();
            assertThat(get(visitor)).isTrue();
            get(resumed);
            vm.pages.bring(FaultVm.MISSING);
            // The pause was withdrawn: the guest runs on.
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            end(thread);
        }
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoHasNotRunIsOut(KickStrategy strategy) throws Exception {
        try (FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            VcpuOptions options = new VcpuOptions("test", strategy, VcpuPlacement.ANYWHERE);
            VcpuThread thread = new VcpuThread(0, vm.vcpu, vm.loop, kick, options, listener);
            assertThat(thread.pause().await(vm.pages, AT_MOST)).isEqualTo(Quiescence.OUT);
            end(thread);
            VcpuPause late = thread.pause();
            assertThatThrownBy(() -> late.await(vm.pages, AT_MOST))
                    .isInstanceOf(VcpuException.class)
                    .hasMessage("vCPU 0 was not paused")
                    .hasRootCauseMessage("vCPU 0 has finished");
        }
    }
}
