// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

@RequiresKvm
@Timeout(60)
class VcpuKickTest {

    private static final byte[] HALT = TinyVm.program(0x40, 0xF4); // inc ax; hlt
    private static final int SIGRTMIN_PLUS_2 = 36;
    private static final int MANY = 20;

    /** What the vCPU's thread does; each test has one, whose signal mask goes with it. */
    private interface Visit {
        void at(TinyVm vm, VcpuKick kick) throws Exception;
    }

    private static void onThread(KickStrategy strategy, int signal, Visit visit) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try (Kick lent = Kick.install(signal);
                TinyVm vm = new TinyVm(HALT)) {
            Thread.ofPlatform()
                    .start(() -> {
                        try {
                            VcpuKick kick = strategy.on(vm.vcpu, lent);
                            kick.prepare();
                            visit.at(vm, kick);
                            done.complete(null);
                        } catch (Throwable e) {
                            done.completeExceptionally(e);
                        }
                    });
            done.get(30, TimeUnit.SECONDS);
        }
    }

    private static void assertTurnedBack(TinyVm vm) {
        assertThat(vm.loop.run()).isInstanceOf(VcpuStop.Kicked.class);
        assertThat(vm.vcpu.regs().rip()).isEqualTo(Payload.REAL_MODE_ENTRY);
    }

    private static void assertRuns(TinyVm vm) {
        // Halts without interrupt controllers, which is an exit.
        assertThat(vm.loop.run()).isInstanceOf(VcpuStop.Failed.class);
        assertThat(vm.vcpu.regs().rax()).isEqualTo(1);
    }

    /** The race that a signal alone loses: it comes when the thread has decided to enter. */
    @ParameterizedTest
    @EnumSource
    void aKickBeforeTheEntryTurnsItBack(KickStrategy strategy) throws Exception {
        onThread(
                strategy,
                Signals.SIGUSR1,
                (vm, kick) -> {
                    kick.send();
                    assertTurnedBack(vm);
                    // Until it is taken back, every entry.
                    assertTurnedBack(vm);
                    kick.clear();
                    assertRuns(vm);
                });
    }

    @ParameterizedTest
    @EnumSource
    void whatTheThreadSendsItselfTurnsTheEntryBackToo(KickStrategy strategy) throws Exception {
        onThread(
                strategy,
                Signals.SIGUSR1,
                (vm, kick) -> {
                    kick.sendToSelf();
                    assertTurnedBack(vm);
                    kick.clear();
                    assertRuns(vm);
                });
    }

    /** Real-time signals queue, and one that is left would turn back an entry for nothing. */
    @ParameterizedTest
    @EnumSource
    void allKicksSoFarAreTakenBackAtOnce(KickStrategy strategy) throws Exception {
        onThread(
                strategy,
                SIGRTMIN_PLUS_2,
                (vm, kick) -> {
                    for (int i = 0; i < MANY; i++) {
                        kick.send();
                    }
                    kick.clear();
                    assertRuns(vm);
                });
    }

    @Test
    void theFlagIsChosenWhereTheKernelHasIt() {
        try (Kvm kvm = Kvm.open()) {
            boolean flag = kvm.checkExtension(KvmConstants.KVM_CAP_IMMEDIATE_EXIT) > 0;
            assertThat(KickStrategy.of(kvm))
                    .isEqualTo(flag ? KickStrategy.IMMEDIATE_EXIT : KickStrategy.SIGNAL_MASK);
            assertThat(KickStrategy.IMMEDIATE_EXIT.isSupported(kvm)).isEqualTo(flag);
            assertThat(KickStrategy.SIGNAL_MASK.isSupported(kvm)).isTrue();
        }
    }
}
