// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Programs call a kernel, on hosts that do half of it and on those that do all of it: there the
 * same is to come out.
 */
@RequiresKvm
@Timeout(120)
class SystemCallsTest {

    private static final long PROGRAM = 0x6000;
    private static final long STACK = 0x8800;

    /** A large page that only ring 0 may touch. */
    private static final long KERNEL = 0x40_0000;

    private static final long KERNEL_ONLY = 0xE3;
    private static final int KERNEL_CODE = 0x08;
    private static final int MEMORY = 8 << 20;

    /** Direction and carry are off in the kernel. */
    private static final long FLAGS_OFF = 1 << 10 | Flags.CF;

    private static final int MSR_STAR = 0xC000_0081;
    private static final int MSR_LSTAR = 0xC000_0082;
    private static final int MSR_FMASK = 0xC000_0084;

    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Mapping mapping = Mapping.anonymous(MEMORY);
    private final GuestMemory memory =
            new GuestMemory(List.of(new MemoryRegion(0, mapping.segment())));
    private final KvmVcpu vcpu;
    private final SystemCalls calls;
    private final Completion completion;

    SystemCallsTest() {
        Completion.enable(vm);
        vm.setUserMemoryRegion(0, 0, 0, mapping.address(), mapping.sizeBytes());
        NativeCpu.prepare(memory);
        memory.writeU64(NativeCpu.TABLES + 0x2000 + (KERNEL >> 21) * 8, KERNEL | KERNEL_ONLY);
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(kvm.supportedCpuid());
        Sregs start = NativeCpu.start(vcpu.sregs());
        vcpu.setSregs(start.withEfer(start.efer() | Sregs.EFER_SCE));
        vcpu.setMsrs(
                List.of(
                        new MsrEntry(MSR_STAR, 0x10L << 48 | (long) KERNEL_CODE << 32),
                        new MsrEntry(MSR_LSTAR, KERNEL),
                        new MsrEntry(MSR_FMASK, FLAGS_OFF)));
        calls = new SystemCalls(vcpu, memory, new AtomicLong(), vcpu::setGuestDebug);
        completion = new Completion(vcpu, memory, WideCompareExchange.SINGLE_VCPU, calls);
    }

    @AfterEach
    void close() {
        vcpu.close();
        vm.close();
        mapping.close();
        kvm.close();
    }

    @Test
    void aCallArrivesInRing0WithEverythingInItsPlaceAndReturns() {
        kernel(
                "8cc8 89c5" // mov eax, cs; mov ebp, eax
                        + "4989e4" // mov r12, rsp
                        + "4989cd 4d89de" // mov r13, rcx; mov r14, r11
                        + "bc00a00000 9c 415f" // mov esp, SUPERVISOR_STACK; pushfq; pop r15
                        + "4c89e4 480f07"); // mov rsp, r12; sysretq
        program(
                "bb05000000 f9" // mov ebx, 5; stc
                        + "0f05" // syscall
                        + "cc"); // int3

        assertThat(run()).isEqualTo(GuestFault.BREAKPOINT);
        Regs regs = vcpu.regs();
        assertThat(regs.rbp()).as("CS in the kernel").isEqualTo(KERNEL_CODE);
        assertThat(regs.r12()).as("RSP in the kernel").isEqualTo(STACK);
        assertThat(regs.r13()).as("RCX").isEqualTo(PROGRAM + 8);
        assertThat(regs.r14() & Flags.ARITHMETIC & ~Flags.AF & ~Flags.PF & ~Flags.ZF & ~Flags.SF)
                .as("R11: the program's flags")
                .isEqualTo(Flags.CF);
        assertThat(regs.r15() & FLAGS_OFF).as("flags in the kernel").isZero();
        assertThat(regs.rbx()).as("what a call leaves alone").isEqualTo(5);
        // not what the program reads: some hosts run ring 3 with a selector of their own
        assertThat(memory.readU64(regs.rsp() + 8)).as("CS after the return").isEqualTo(0x23);
    }

    @Test
    void aPageFaultOfAProgramStaysOne() {
        kernel("480f07"); // sysretq
        program("0f05 b800000050 8b18"); // syscall; mov eax, 0x50000000; mov ebx, [rax]

        assertThat(run()).isEqualTo(GuestFault.PAGE);
        long frame = vcpu.regs().rsp();
        assertThat(memory.readU64(frame)).as("error code: a read by ring 3").isEqualTo(4);
        assertThat(memory.readU64(frame + 8)).as("RIP").isEqualTo(PROGRAM + 7);
        assertThat(vcpu.sregs().cr2()).isEqualTo(0x5000_0000L);
    }

    @Test
    void aProgramThatTouchesTheKernelFaults() {
        program("b800004000 8b18"); // mov eax, KERNEL; mov ebx, [rax]

        assertThat(run()).isEqualTo(GuestFault.PAGE);
        assertThat(memory.readU64(vcpu.regs().rsp())).as("present, ring 3").isEqualTo(5);
        assertThat(calls.delivered()).isZero();
    }

    @Test
    void manyCallsAllArrive() {
        int count = 500;
        kernel("49ffc0 480f07"); // inc r8; sysretq
        // mov ebx, count; again: syscall; dec ebx; jnz again; int3
        program("bbf4010000 0f05 ffcb 75fa cc");

        assertThat(run()).isEqualTo(GuestFault.BREAKPOINT);
        assertThat(vcpu.regs().r8()).isEqualTo(count);
    }

    private void kernel(String code) {
        memory.copyIn(KERNEL, HexFormat.of().parseHex(code.replace(" ", "")));
    }

    private void program(String code) {
        memory.copyIn(PROGRAM, HexFormat.of().parseHex(code.replace(" ", "")));
        vcpu.setRegs(Regs.atEntry(PROGRAM, STACK, 0));
    }

    /** Runs until an exception's handler writes its vector to the port of that number. */
    private int run() {
        completion.begin();
        while (true) {
            if (completion.needsPreparation()) {
                assertThat(completion.prepare()).isInstanceOf(Completion.Result.Done.class);
            }
            int result = vcpu.run();
            if (result == -4) {
                continue;
            }
            int reason = vcpu.page().exitReason();
            if (result != 0) {
                throw new AssertionError("result %d".formatted(result));
            }
            completion.observe();
            if (reason == KvmConstants.KVM_EXIT_DEBUG) {
                assertThat(completion.debugExit()).isInstanceOf(Completion.Result.Done.class);
                continue;
            }
            if (reason == KvmConstants.KVM_EXIT_INTERNAL_ERROR) {
                assertThat(completion.complete()).isInstanceOf(Completion.Result.Done.class);
                continue;
            }
            assertThat(reason).isEqualTo(KvmConstants.KVM_EXIT_IO);
            return vcpu.page().ioPort();
        }
    }
}
