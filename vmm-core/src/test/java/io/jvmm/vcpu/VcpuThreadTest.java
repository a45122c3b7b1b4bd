// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.linux.Scheduling;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.BitSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

@RequiresKvm
@Timeout(120)
@ParameterizedClass
@EnumSource
class VcpuThreadTest {

    private static final byte[] SPIN =
            TinyVm.program(
                    0xB0, 0x53, // mov al, 'S'
                    0xBA, 0x00, 0x05, // mov dx, 0x500
                    0xEE, // out dx, al
                    0x66, 0x43, // inc ebx
                    0xEB, 0xFC); // jmp to inc

    private final KickStrategy strategy;
    private final VcpuOptions options;
    private Kick kick;
    private final CountDownLatch spinning = new CountDownLatch(1);
    private final CompletableFuture<VcpuStop> stopped = new CompletableFuture<>();
    private final CompletableFuture<Throwable> died = new CompletableFuture<>();

    private final VcpuThread.Listener listener =
            new VcpuThread.Listener() {
                @Override
                public void stopped(int index, VcpuStop stop) {
                    stopped.complete(stop);
                }

                @Override
                public void died(int index, Throwable cause) {
                    died.complete(cause);
                }
            };

    VcpuThreadTest(KickStrategy strategy) {
        this.strategy = strategy;
        this.options = new VcpuOptions("test", strategy, VcpuPlacement.ANYWHERE);
    }

    @BeforeEach
    void install() {
        kick = Kick.install();
    }

    @AfterEach
    void uninstall() {
        kick.close();
    }

    private VcpuThread threadOf(TinyVm vm) {
        return new VcpuThread(0, vm.vcpu, vm.loop, kick, options, listener);
    }

    private void end(VcpuThread thread) throws Exception {
        get(thread.finish());
        assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    /** Tells when the guest has begun to spin. */
    private IoDevice started() {
        return new IoDevice() {
            @Override
            public long read(long offset, int size) {
                return 0;
            }

            @Override
            public void write(long offset, int size, long value) {
                spinning.countDown();
            }
        };
    }

    @Test
    void isBornPausedAndRunsNothing() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            assertThat(thread.state()).isEqualTo(VcpuThread.State.PAUSED);
            long rip = get(thread.whilePaused(vcpu -> vcpu.regs().rip()));
            assertThat(rip).isEqualTo(Payload.REAL_MODE_ENTRY);
            end(thread);
            assertThat(vm.loop.counters().total()).isZero();
        }
    }

    @Test
    void pausesAGuestThatNeverExitsAndResumesItWhereItWas() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            vm.ports.attach(0x500, 1, started(), "started");
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThat(spinning.await(30, TimeUnit.SECONDS)).isTrue();
            long last = -1;
            for (int i = 0; i < 200; i++) {
                get(thread.pause().out());
                Regs first = get(thread.whilePaused(vcpu -> vcpu.regs()));
                Regs second = get(thread.whilePaused(vcpu -> vcpu.regs()));
                assertThat(second).isEqualTo(first);
                assertThat(first.rbx()).isGreaterThanOrEqualTo(last);
                last = first.rbx();
                get(thread.resume());
            }
            end(thread);
            assertThat(last).isPositive();
            assertThat(stopped).isNotDone();
        }
    }

    @Test
    void registersOfARunningGuestAreRefused() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThatThrownBy(() -> get(thread.whilePaused(vcpu -> vcpu.regs())))
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("RUNNING");
            end(thread);
        }
    }

    /** The device asks for a pause from inside the exit; its instruction completes all the same. */
    @Test
    void aPauseInTheMiddleOfAPortReadCompletesIt() throws Exception {
        byte[] program =
                TinyVm.program(
                        0xBA, 0x00, 0x05, // mov dx, 0x500
                        0xED, // in ax, dx
                        0xEB, 0xFE); // jmp .
        try (TinyVm vm = new TinyVm(program)) {
            CompletableFuture<CompletableFuture<Void>> paused = new CompletableFuture<>();
            VcpuThread[] thread = new VcpuThread[1];
            vm.ports.attach(
                    0x500,
                    2,
                    new IoDevice() {
                        @Override
                        public long read(long offset, int size) {
                            paused.complete(thread[0].pause().out());
                            return 0xCAFE;
                        }

                        @Override
                        public void write(long offset, int size, long value) {}
                    },
                    "pauser");
            thread[0] = threadOf(vm);
            get(thread[0].resume());
            get(get(paused));
            Regs regs = get(thread[0].whilePaused(vcpu -> vcpu.regs()));
            assertThat(regs.rax() & 0xFFFF).isEqualTo(0xCAFE);
            assertThat(regs.rip()).isEqualTo(Payload.REAL_MODE_ENTRY + 4);
            end(thread[0]);
        }
    }

    @Test
    void aGuestThatStopsByItselfIsReportedAndCanBeFinished() throws Exception {
        try (TinyVm vm = new TinyVm(Payload.REAL_HLT)) {
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThat(get(stopped)).isInstanceOf(VcpuStop.Failed.class);
            end(thread);
            assertThat(thread.state()).isEqualTo(VcpuThread.State.FINISHED);
        }
    }

    @Test
    void aDeviceThatThrowsKillsTheThreadWhichSaysSo() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            IllegalArgumentException fault = new IllegalArgumentException("planted");
            vm.ports.attach(
                    0x500,
                    1,
                    new IoDevice() {
                        @Override
                        public long read(long offset, int size) {
                            return 0;
                        }

                        @Override
                        public void write(long offset, int size, long value) {
                            throw fault;
                        }
                    },
                    "faulty");
            VcpuThread thread = threadOf(vm);
            CompletableFuture<Void> _ = thread.resume();
            assertThat(get(died)).isSameAs(fault);
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
        }
    }

    /** An {@code Error} ends the vCPU like anything else, also when its listener cannot go on. */
    @Test
    void aDeviceWithoutMemoryKillsTheThreadWhichAnswersAllTheSame() throws Exception {
        OutOfMemoryError fault = new OutOfMemoryError("planted");
        VcpuThread.Listener poor =
                new VcpuThread.Listener() {
                    @Override
                    public void stopped(int index, VcpuStop stop) {}

                    @Override
                    public void died(int index, Throwable cause) {
                        died.complete(cause);
                        throw new OutOfMemoryError("planted, too");
                    }
                };
        try (TinyVm vm = new TinyVm(SPIN)) {
            vm.ports.attach(
                    0x500,
                    1,
                    new IoDevice() {
                        @Override
                        public long read(long offset, int size) {
                            return 0;
                        }

                        @Override
                        public void write(long offset, int size, long value) {
                            throw fault;
                        }
                    },
                    "poor");
            VcpuThread thread = new VcpuThread(3, vm.vcpu, vm.loop, kick, options, poor);
            CompletableFuture<Void> _ = thread.resume();
            assertThat(get(died)).isSameAs(fault);
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
            assertThat(fault.getSuppressed()).hasSize(1);
            assertThatThrownBy(() -> get(thread.whilePaused(vcpu -> vcpu.regs())))
                    .hasCauseInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aThreadThatIsToFinishSoonFinishesFromTheGuest() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            vm.ports.attach(0x500, 1, started(), "started");
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThat(spinning.await(30, TimeUnit.SECONDS)).isTrue();
            thread.finishSoon();
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
            assertThat(thread.state()).isEqualTo(VcpuThread.State.FINISHED);
        }
    }

    @Test
    void commandsToAFinishedThreadAreAnsweredToo() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            end(thread);
            assertThatThrownBy(() -> get(thread.resume()))
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("finished");
        }
    }

    /** One that was sent to run behind the command to finish must not bring it back to life. */
    @Test
    void whatComesBehindFinishIsRefused() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            CountDownLatch sent = new CountDownLatch(1);
            // Holds the thread until both commands wait in its mailbox.
            CompletableFuture<Boolean> held = thread.whilePaused(vcpu -> awaited(sent));
            CompletableFuture<Void> finished = thread.finish();
            CompletableFuture<Void> resumed = thread.resume();
            sent.countDown();
            assertThat(get(held)).isTrue();
            get(finished);
            assertThatThrownBy(() -> get(resumed))
                    .hasCauseInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("finished");
            assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
            assertThat(vm.loop.counters().total()).isZero();
        }
    }

    private static boolean awaited(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }

    @Test
    void whatFailsWhilePausedIsItsSendersFault() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            AssertionError fault = new AssertionError("planted");
            assertThatThrownBy(() ->
                            get(
                                    thread.whilePaused(vcpu -> {
                                        throw fault;
                                    })))
                    .hasCause(fault);
            assertThat(thread.state()).isEqualTo(VcpuThread.State.PAUSED);
            end(thread);
            assertThat(died).isNotDone();
        }
    }

    /** The page is unmapped and the signal given back while others still kick. */
    @Test
    void kicksThatComeTooLateDoNoHarm() throws Exception {
        for (int round = 0; round < 50; round++) {
            CompletableFuture<Void> kicker = new CompletableFuture<>();
            CountDownLatch kicking = new CountDownLatch(1);
            Kick own = Kick.install();
            try (TinyVm vm = new TinyVm(SPIN)) {
                VcpuThread thread = new VcpuThread(0, vm.vcpu, vm.loop, own, options, listener);
                get(thread.resume());
                Thread.ofPlatform().start(() -> kickToTheEnd(thread, kicking, kicker));
                assertThat(kicking.await(30, TimeUnit.SECONDS)).isTrue();
                end(thread);
                own.close();
            }
            get(kicker);
        }
    }

    private static void kickToTheEnd(
            VcpuThread thread, CountDownLatch kicking, CompletableFuture<Void> done) {
        try {
            while (thread.state() != VcpuThread.State.FINISHED) {
                thread.kick();
                kicking.countDown();
            }
            for (int i = 0; i < 1_000; i++) {
                thread.kick();
            }
            done.complete(null);
        } catch (Throwable e) {
            done.completeExceptionally(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SIG_DFL", "SIG_IGN"})
    void aSignalThatTheApplicationTakesIsReportedOnceAndKicksGoOn(String handler) throws Exception {
        try (TinyVm vm = new TinyVm(SPIN);
                CapturedLog log = new CapturedLog(VcpuThread.class)) {
            vm.ports.attach(0x500, 1, started(), "started");
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThat(spinning.await(30, TimeUnit.SECONDS)).isTrue();
            ApplicationSignal.handle("USR1", handler);
            for (int i = 0; i < 3; i++) {
                get(thread.pause().out());
                get(thread.resume());
            }
            end(thread);
            assertThat(log.warnings())
                    .containsExactly(
                            "signal 10, by which vCPU threads are kicked, had lost its handler,"
                                    + " which was put back: leave it alone, or choose another one"
                                    + " for kicks");
        }
    }

    @Test
    void aHandlerThatTheApplicationSetsIsReportedOnceAndKicksGoOn() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN);
                CapturedLog log = new CapturedLog(VcpuThread.class)) {
            vm.ports.attach(0x500, 1, started(), "started");
            VcpuThread thread = threadOf(vm);
            get(thread.resume());
            assertThat(spinning.await(30, TimeUnit.SECONDS)).isTrue();
            ApplicationSignal.handle("USR1");
            for (int i = 0; i < 3; i++) {
                get(thread.pause().out());
                get(thread.resume());
            }
            end(thread);
            assertThat(log.warnings())
                    .containsExactly(
                            "signal 10, by which vCPU threads are kicked, has a handler of this"
                                    + " application's, which hears every kick: leave it alone, or"
                                    + " choose another one for kicks");
        } finally {
            ApplicationSignal.handle("USR1", "SIG_DFL");
        }
    }

    @Test
    void aThreadThatMayNotRunWhereItShallIsRefused() {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuOptions nowhere = new VcpuOptions("test", strategy, VcpuPlacement.on(2000));
            assertThatThrownBy(() -> new VcpuThread(0, vm.vcpu, vm.loop, kick, nowhere, listener))
                    .isInstanceOf(VcpuException.class)
                    .hasMessageStartingWith("vCPU 0 cannot run: sched_setaffinity: EINVAL (22)");
        }
    }

    @Test
    void runsOnTheCpuThatItIsTold() throws Exception {
        int cpu = NativeThread.affinity().nextSetBit(0);
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuOptions there = new VcpuOptions("test", strategy, VcpuPlacement.on(cpu));
            VcpuThread thread = new VcpuThread(0, vm.vcpu, vm.loop, kick, there, listener);
            BitSet allowed = get(thread.whilePaused(vcpu -> NativeThread.affinity()));
            assertThat(allowed.stream()).containsExactly(cpu);
            end(thread);
        }
    }

    @Test
    void isScheduledAsItIsTold() throws Exception {
        Scheduling background = new Scheduling(Scheduling.Policy.IDLE, 0);
        VcpuPlacement placement = new VcpuPlacement(Set.of(), Optional.of(background));
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuOptions so = new VcpuOptions("test", strategy, placement);
            VcpuThread thread = new VcpuThread(0, vm.vcpu, vm.loop, kick, so, listener);
            Scheduling has = get(thread.whilePaused(vcpu -> Scheduling.current()));
            assertThat(has).isEqualTo(background);
            end(thread);
        }
    }

    @Test
    void commandsFromManyThreadsAreAllAnswered() throws Exception {
        try (TinyVm vm = new TinyVm(SPIN)) {
            VcpuThread thread = threadOf(vm);
            int senders = 4;
            int each = 500;
            CountDownLatch done = new CountDownLatch(senders);
            CompletableFuture<Void> failure = new CompletableFuture<>();
            for (int s = 0; s < senders; s++) {
                int seed = s;
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                for (int i = 0; i < each; i++) {
                                    get(
                                            (i + seed) % 2 == 0
                                                    ? thread.resume()
                                                    : thread.pause().out());
                                }
                            } catch (Exception e) {
                                failure.completeExceptionally(e);
                            } finally {
                                done.countDown();
                            }
                        });
            }
            assertThat(done.await(50, TimeUnit.SECONDS)).isTrue();
            assertThat(failure).isNotDone();
            end(thread);
        }
    }
}
