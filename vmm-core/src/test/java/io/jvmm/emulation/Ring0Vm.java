// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.util.List;

/**
 * A vCPU in ring 0 with the tables of {@link NativeCpu}, whose failing instructions are completed:
 * what a kernel is on a host that interprets it. Where the host runs ring 0 itself, the same
 * programs run natively, and must do the same.
 */
final class Ring0Vm implements AutoCloseable {

    static final long PROGRAM = 0x6000;
    static final long STACK = 0x9000;
    static final long DATA = NativeCpu.FIRST_CASE;

    /** A program says that it is done by a write to this port. */
    static final int DONE = 0x40;

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    private final Mapping mapping = Mapping.anonymous(NativeCpu.MEMORY);
    final GuestMemory memory = new GuestMemory(List.of(new MemoryRegion(0, mapping.segment())));
    final KvmVcpu vcpu;
    final Completion completion;

    /**
     * @param program the bytes, as {@code int}s; followed by a write to {@link #DONE}
     */
    Ring0Vm(int... program) {
        Completion.enable(vm);
        vm.setUserMemoryRegion(0, 0, 0, mapping.address(), mapping.sizeBytes());
        NativeCpu.prepare(memory);
        for (int i = 0; i < program.length; i++) {
            memory.writeU8(PROGRAM + i, program[i]);
        }
        // out DONE, al; hlt
        memory.writeU32(PROGRAM + program.length, 0xF4_00E6L | DONE << 8);
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(kvm.supportedCpuid());
        completion = new Completion(vcpu, memory, WideCompareExchange.SINGLE_VCPU, null);
        vcpu.setSregs(start(vcpu.sregs()));
        vcpu.setXcrs(List.of(new Xcr(0, 7)));
        vcpu.setRegs(Regs.atEntry(PROGRAM, STACK, 0));
    }

    private static Sregs start(Sregs reset) {
        Segment data = Segment.data(0x10);
        return new Sregs(
                Segment.code64(0x08),
                data,
                data,
                data,
                data,
                data,
                Segment.taskState(0x28, NativeCpu.TSS, 0x67),
                reset.ldt(),
                new Sregs.DescriptorTable(NativeCpu.GDT, 0x3F),
                new Sregs.DescriptorTable(NativeCpu.IDT, 0x1FF),
                Sregs.CR0_PE
                        | Sregs.CR0_MP
                        | Sregs.CR0_ET
                        | Sregs.CR0_NE
                        | Sregs.CR0_WP
                        | Sregs.CR0_PG,
                0,
                NativeCpu.TABLES,
                ControlBits.CR4_PAE | ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXSAVE,
                0,
                Sregs.EFER_LME | Sregs.EFER_LMA | ControlBits.EFER_NXE,
                reset.apicBase());
    }

    /**
     * Runs until the program writes to a port; {@return the port, which is an exception's vector}
     */
    int run() {
        while (true) {
            int result = vcpu.run();
            if (result == -4) {
                continue;
            }
            int reason = vcpu.page().exitReason();
            if (result == 0 && reason == KvmConstants.KVM_EXIT_IO) {
                int port = vcpu.page().ioPort();
                vcpu.page().requestExit();
                vcpu.run();
                vcpu.page().clearExitRequest();
                return port;
            }
            if (result != 0 || reason != KvmConstants.KVM_EXIT_INTERNAL_ERROR) {
                throw new AssertionError(
                        "result %d, reason %d, at %x".formatted(result, reason, vcpu.regs().rip()));
            }
            Completion.Result completed = completion.complete();
            if (!(completed instanceof Completion.Result.Done)) {
                throw new AssertionError(completed);
            }
        }
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        mapping.close();
        kvm.close();
    }
}
