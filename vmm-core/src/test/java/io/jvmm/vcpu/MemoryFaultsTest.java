// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.bus.Bus;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.vcpu.VcpuPages.Answer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A vCPU that cannot reach a page. KVM names it where the page was to come from a guest_memfd that
 * is closed, which stock kernels can be brought to without any patch; those of other tests' hosts
 * need not be built with it, so these stay on this one.
 */
@RequiresKvm
@RequiresUserfaultfd
@Tag("host")
@Timeout(120)
class MemoryFaultsTest {

    private static final long PAGE = MissingPages.PAGE;
    private static final int SLOT = 2;
    private static final int MAPPABLE_AND_SHARED = 3;
    private static final Duration AT_MOST = Duration.ofSeconds(30);

    /** {@code jmp 0x8000}. */
    private static final int[] JUMP = {0x48, 0xC7, 0xC0, 0x00, 0x80, 0x00, 0x00, 0xFF, 0xE0};

    private final FakePages pages = new FakePages();

    /** Takes the page that the guest wants out of its memory slot, so that it can have its own. */
    private static void makeHole(FaultVm vm) {
        long host = vm.memory.address();
        long behind = FaultVm.MISSING + PAGE;
        vm.vm.setUserMemoryRegion(0, 0, 0, host, 0);
        vm.vm.setUserMemoryRegion(0, 0, 0, host, FaultVm.MISSING);
        vm.vm.setUserMemoryRegion(1, 0, behind, host + behind, vm.memory.sizeBytes() - behind);
    }

    /** The page comes from a guest_memfd that is there no more. */
    private static void loseGuestMemfd(FaultVm vm) {
        makeHole(vm);
        try (Fd lost = vm.vm.createGuestMemfd(PAGE, MAPPABLE_AND_SHARED)) {
            long host = vm.memory.address() + FaultVm.MISSING;
            vm.vm.setGuestMemfdRegion(SLOT, FaultVm.MISSING, host, PAGE, lost);
        } catch (KernelException e) {
            abort(
                    "this kernel has no guest_memfd that is shared from the start: "
                            + e.getMessage());
        }
    }

    /** The page comes from ordinary memory, and holds what the guest is to find. */
    private static void fillHole(FaultVm vm) {
        vm.pages.bring(FaultVm.MISSING);
        long host = vm.memory.address() + FaultVm.MISSING;
        vm.vm.setUserMemoryRegion(SLOT, 0, FaultVm.MISSING, host, PAGE);
    }

    /** As {@link #fillHole}, where something else was that did not serve. */
    private static void replaceHole(FaultVm vm) {
        vm.vm.setUserMemoryRegion(SLOT, 0, FaultVm.MISSING, vm.memory.address(), 0);
        fillHole(vm);
    }

    private ExitLoop loop(FaultVm vm) {
        return new ExitLoop(vm.vcpu, vm.ports, new Bus(), null, pages);
    }

    private VcpuThread running(FaultVm vm, KickStrategy strategy, Kick kick) throws Exception {
        VcpuOptions options = new VcpuOptions("test", strategy, VcpuPlacement.ANYWHERE);
        VcpuThread.Listener listener =
                new VcpuThread.Listener() {
                    @Override
                    public void stopped(int index, VcpuStop stop) {
                        vm.sent.completeExceptionally(new AssertionError(stop.toString()));
                    }

                    @Override
                    public void died(int index, Throwable cause) {
                        vm.sent.completeExceptionally(cause);
                    }
                };
        VcpuThread thread = new VcpuThread(3, vm.vcpu, loop(vm), kick, options, listener);
        get(thread.resume());
        return thread;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private static void end(VcpuThread thread) throws Exception {
        get(thread.finish());
        assertThat(thread.join(AT_MOST)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void aPageThatKvmNamesIsBroughtAndTheGuestGoesOn(KickStrategy strategy) throws Exception {
        try (Kick kick = Kick.install();
                FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            loseGuestMemfd(vm);
            pages.decision =
                    _ -> {
                        replaceHole(vm);
                        return Answer.BROUGHT;
                    };
            VcpuThread thread = running(vm, strategy, kick);
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            assertThat(pages.asked).containsExactly((long) FaultVm.MISSING);
            assertThat(thread.counters().of(KvmConstants.KVM_EXIT_MEMORY_FAULT)).isEqualTo(1);
            end(thread);
        }
    }

    /** The vCPU is outside the guest, and its registers are those before the access. */
    @ParameterizedTest
    @EnumSource
    void whileItWaitsForThePageInJavaItPausesAndStopsAtOnce(KickStrategy strategy)
            throws Exception {
        try (Kick kick = Kick.install();
                FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            loseGuestMemfd(vm);
            pages.holdBack();
            VcpuThread thread = running(vm, strategy, kick);
            for (int round = 1; round <= 20; round++) {
                while (pages.asked.size() < round) {
                    Thread.onSpinWait();
                }
                assertThat(thread.pause().await(PageWaits.NONE, AT_MOST)).isEqualTo(Quiescence.OUT);
                Regs registers = get(thread.whilePaused(vcpu -> vcpu.regs()));
                assertThat(registers.rbx()).isZero();
                get(thread.resume());
            }
            pages.decision =
                    _ -> {
                        replaceHole(vm);
                        return Answer.BROUGHT;
                    };
            thread.kick();
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            end(thread);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whileItWaitsForThePageInJavaItCanBeEnded(KickStrategy strategy) throws Exception {
        try (Kick kick = Kick.install();
                FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            loseGuestMemfd(vm);
            pages.holdBack();
            VcpuThread thread = running(vm, strategy, kick);
            while (pages.asked.isEmpty()) {
                Thread.onSpinWait();
            }
            end(thread);
            assertThat(vm.sent).isNotDone();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "PRESENT, it is there and the vCPU faults on it again and again",
        "BROUGHT, it is there and the vCPU faults on it again and again",
        "BROKEN, the host cannot supply it",
        "NO_MEMORY, it is no memory of this machine"
    })
    void whatDoesNotHelpEndsIt(Answer answer, String reason) {
        try (FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            loseGuestMemfd(vm);
            pages.decision = _ -> answer;
            assertThat(loop(vm).run())
                    .isInstanceOfSatisfying(
                            VcpuStop.Failed.class,
                            failed ->
                                    assertThat(failed.reason().replace(",", ""))
                                            .startsWith("EFAULT")
                                            .contains("guest memory at 0x8000")
                                            .contains(reason));
            boolean again = answer == Answer.PRESENT || answer == Answer.BROUGHT;
            assertThat(pages.asked).hasSize(again ? FaultGuard.SAME + 1 : 1);
        }
    }

    /** The host has nothing behind the end of a file. */
    @ParameterizedTest
    @CsvSource({"false", "true"})
    void aFaultThatNobodyNamesIsToldApart(boolean canFallBack) {
        try (Memfd file = Memfd.create("short", PAGE);
                Mapping beyond = Mapping.shared(file.fd(), 0, 2 * PAGE);
                FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            makeHole(vm);
            long host = beyond.address() + PAGE;
            vm.vm.setUserMemoryRegion(SLOT, 0, FaultVm.MISSING, host, PAGE);
            pages.canFallBack = canFallBack;
            ExitLoop loop = loop(vm);
            VcpuStop stop = loop.run();
            if (canFallBack) {
                assertThat(stop).isEqualTo(new VcpuStop.UnknownFault(-Errno.EFAULT.number()));
                replaceHole(vm);
                vm.vcpu.page().requestExit();
                assertThat(loop.run()).isInstanceOf(VcpuStop.Kicked.class);
                vm.vcpu.page().clearExitRequest();
            } else {
                assertThat(stop)
                        .isInstanceOfSatisfying(
                                VcpuStop.Failed.class,
                                failed ->
                                        assertThat(failed.reason())
                                                .contains("this kernel does not say where"));
            }
            assertThat(pages.asked).isEmpty();
        }
    }

    /** KVM takes memory that it cannot reach for a device, when it interprets the access. */
    @Test
    void anAccessToMemoryThatComesAsOneToADeviceIsDoneThere() throws Exception {
        try (Kick kick = Kick.install();
                FaultVm vm = new FaultVm(FaultVm.LOAD)) {
            makeHole(vm);
            pages.value = 0x17;
            pages.decision = _ -> Answer.BROUGHT;
            VcpuThread thread = running(vm, KickStrategy.IMMEDIATE_EXIT, kick);
            assertThat(get(vm.sent)).isEqualTo(0x17);
            assertThat(pages.asked).containsExactly(FaultVm.MISSING + 0x11L);
            end(thread);
        }
    }

    @Test
    void anInstructionThatIsNotThereYetIsBrought() throws Exception {
        try (Kick kick = Kick.install();
                FaultVm vm = new FaultVm(JUMP)) {
            makeHole(vm);
            vm.vm.enableCapability(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1);
            // mov al, 0x42; out 0x10, al; jmp .
            int[] program = {0xB0, FaultVm.VALUE, 0xE6, FaultVm.PORT, 0xEB, 0xFE};
            for (int i = 0; i < program.length; i++) {
                vm.pages.staging().set(JAVA_BYTE, i, (byte) program[i]);
            }
            pages.decision =
                    gpa -> {
                        if (pages.asked.size() > 1) {
                            return Answer.PRESENT;
                        }
                        fillHole(vm);
                        return Answer.BROUGHT;
                    };
            VcpuThread thread = running(vm, KickStrategy.IMMEDIATE_EXIT, kick);
            assertThat(get(vm.sent)).isEqualTo(FaultVm.VALUE);
            assertThat(pages.asked).allMatch(gpa -> (gpa & -PAGE) == FaultVm.MISSING);
            end(thread);
        }
    }
}
