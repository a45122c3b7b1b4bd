// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.Set;

/** A guest whose page is missing: who is told, how it goes on, and how it is stopped meanwhile. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(60)
class VcpuFaultTest {

    private static final long PAGE = 4096;
    private static final int CODE = 0x1000;
    private static final int PAGE_TABLES = 0x2000;
    private static final int MISSING = 0x8000;
    private static final byte VALUE = 0x42;

    private Kvm kvm;
    private KvmVm vm;
    private KvmVcpu vcpu;
    private Mapping memory;
    private Mapping source;
    private Userfaultfd uffd;
    private Kick kick;
    private final FaultMessages messages = new FaultMessages(8);

    @BeforeEach
    void createVm() {
        kick = Kick.install();
        kvm = Kvm.open();
        vm = kvm.createVm();
        memory = Mapping.anonymous(1 << 20);
        source = Mapping.anonymous(PAGE);
        source.segment().fill(VALUE);
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID));
        uffd.setNonBlocking(true);
        uffd.register(memory.address() + MISSING, PAGE, Set.of(Tracking.MISSING));
        vcpu = vm.createVcpu(0);
    }

    @AfterEach
    void close() {
        vcpu.close();
        vm.close();
        uffd.close();
        memory.close();
        source.close();
        kvm.close();
        kick.close();
    }

    private void load(int... program) {
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, CODE + i, (byte) program[i]);
        }
    }

    private void enterRealMode() {
        load(
                0xA0, 0x11, 0x80, // mov al, [0x8011]
                0xE6, 0x10); // out 0x10, al
        vcpu.setSregs(vcpu.sregs().realMode(0));
        vcpu.setRegs(Regs.atEntry(CODE, 0x7000, 0));
    }

    /** 64-bit mode with the first 2 MiB mapped for ring 3, in ring 3, where all hosts run it. */
    private void enterRing3() {
        load(
                0x8A, 0x04, 0x25, 0x11, 0x80, 0x00, 0x00, // mov al, [0x8011]
                0xE6, 0x10); // out 0x10, al
        long presentWritableUser = 7;
        long large = 1 << 7;
        int next = PAGE_TABLES + (int) PAGE;
        memory.segment().set(JAVA_LONG, PAGE_TABLES, next | presentWritableUser);
        memory.segment().set(JAVA_LONG, next, next + PAGE | presentWritableUser);
        memory.segment().set(JAVA_LONG, next + PAGE, presentWritableUser | large);
        vcpu.setCpuid(kvm.supportedCpuid());
        vcpu.setSregs(
                vcpu.sregs().longMode(PAGE_TABLES, new Sregs.DescriptorTable(0, 0), 0x33, 0x2B));
        // Ring 3 may use ports.
        long ioPrivilege = 3 << 12;
        vcpu.setRegs(Regs.atEntry(CODE, 0x7000, 0).withRflags(Regs.RFLAGS_RESERVED | ioPrivilege));
    }

    private Waiter run() {
        return Waiter.start(() -> {
            Signals.unblock(kick.signal());
            return vcpu.run();
        });
    }

    private void assertTold(Waiter runner) {
        FaultMessage fault = FaultedMemory.message(uffd, messages);
        assertThat(fault.isPageFault()).isTrue();
        assertThat(fault.address()).isEqualTo(memory.address() + MISSING);
        assertThat(fault.threadId()).isEqualTo(runner.threadId());
    }

    private void bringPage() {
        long done = uffd.tryCopy(memory.address() + MISSING, source.segment(), 0, PAGE, 0);
        assertThat(done).isEqualTo(PAGE);
    }

    private void assertFinished() {
        KvmRun page = vcpu.page();
        assertThat(page.exitReason()).isEqualTo(KvmConstants.KVM_EXIT_IO);
        assertThat(page.ioPort()).isEqualTo(0x10);
        assertThat(page.value(page.ioDataOffset(), 1)).isEqualTo(VALUE);
    }

    private void kick(Waiter runner) {
        vcpu.page().requestExit();
        kick.trySend(runner.threadId());
    }

    @Test
    void aMissingPageIsBroughtByAnotherThread() {
        enterRealMode();
        Waiter runner = run();
        assertTold(runner);
        assertThat(runner.isWaiting()).isTrue();
        bringPage();
        assertThat(runner.result()).isZero();
        assertFinished();
    }

    @Test
    void ring3AnswersAKickWhileItsPageIsMissing() {
        enterRing3();
        Waiter runner = run();
        assertTold(runner);
        kick(runner);
        assertThat(Errno.of(runner.result())).isEqualTo(Errno.EINTR);
        vcpu.page().clearExitRequest();

        Waiter again = run();
        assertTold(again);
        bringPage();
        assertThat(again.result()).isZero();
        assertFinished();
    }

    /**
     * Where KVM emulates the guest's kernel, the fault is one of KVM's own code, and a signal does
     * not get the thread out of it; elsewhere it does. Either way nothing is lost.
     */
    @Test
    void realModeGoesOnAfterAKickAndThePage() {
        enterRealMode();
        Waiter runner = run();
        assertTold(runner);
        kick(runner);
        bringPage();
        long result = runner.result();
        vcpu.page().clearExitRequest();
        if (Errno.EINTR.is(result)) {
            assertThat(run().result()).isZero();
        } else {
            assertThat(result).isZero();
        }
        assertFinished();
    }

    /** The plan for a machine that must end while the page never comes. */
    @Test
    void unregisteringLetsTheVcpuGo() {
        enterRealMode();
        Waiter runner = run();
        assertTold(runner);
        kick(runner);
        uffd.unregister(memory.address() + MISSING, PAGE);
        assertThat(runner.result()).isIn(0L, (long) -Errno.EINTR.number());
    }
}
