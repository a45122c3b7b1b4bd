// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * A throw-away virtual machine that runs short programs in 64-bit mode and tells how they end. It
 * has 64 KiB of memory and no devices, and no table of interrupts either, so that an exception is a
 * triple fault. Used by one thread.
 */
final class ProbeVm implements AutoCloseable {

    /** Where a program runs. */
    enum Ring {
        KERNEL(0),
        USER(3);

        private final int level;

        Ring(int level) {
            this.level = level;
        }

        int level() {
            return level;
        }
    }

    /** How a program ended. */
    enum Ending {
        /** It reached its end. */
        DONE,
        /** KVM gave up on one of its instructions. */
        NOT_EMULATED,
        /** It caused an exception. */
        EXCEPTION,
        /** It found that an instruction had done something else than it should. */
        WRONG,
        /** It touched memory that the host cannot supply, and KVM told which. */
        FAULT_WITH_ADDRESS,
        /** It touched memory that the host cannot supply. */
        FAULT_WITHOUT_ADDRESS,
        /** None of these: a port or memory that does not exist. */
        OTHER
    }

    /** Linear and guest-physical address of a page that the host cannot supply. */
    static final int MISSING_PAGE = 0x10000;

    /** Linear address whose page table is in {@link #MISSING_PAGE}. */
    static final int BEHIND_MISSING_PAGE = 4 << 20;

    private static final int MEMORY_BYTES = 0x10000;
    private static final int CODE = 0x8000;
    private static final int DATA = 0x9000;
    private static final int STACK_TOP = 0xB000;
    private static final int DEFAULT_MXCSR = 0x1F80;
    private static final long RFLAGS_PORTS_FOR_USER = 3L << 12;

    /** {@code out 0x50, al}. */
    private static final byte[] END = {(byte) 0xE6, 0x50};

    private static final int END_PORT = 0x50;

    /** A program writes to this port when it has found a wrong result. */
    static final int WRONG_PORT = 0x51;

    private static final int MSR_STAR = 0xC000_0081;
    private static final int MSR_LSTAR = 0xC000_0082;
    private static final int MSR_FMASK = 0xC000_0084;

    /** {@code syscall; out WRONG_PORT, al}. */
    private static final byte[] SYSTEM_CALL = {0x0F, 0x05, (byte) 0xE6, WRONG_PORT};

    /** {@code mov eax, cs; test al, 3; jz end; out WRONG_PORT, al; end:}. */
    private static final byte[] RING_0_OR_WRONG = {
        (byte) 0x8C, (byte) 0xC8, (byte) 0xA8, 3, 0x74, 2, (byte) 0xE6, WRONG_PORT
    };

    private final Memfd backing;
    private final Mapping memory;
    private final KvmVm vm;
    private final KvmVcpu vcpu;
    private final ProbeCpu cpu;
    private boolean usable = true;

    /**
     * @param cpuid what the guest is to read
     */
    ProbeVm(Kvm kvm, List<CpuidEntry> cpuid) {
        backing = Memfd.create("jvmm-probe", MEMORY_BYTES);
        // The last page lies behind the file's end: the host has nothing to put there.
        memory = Mapping.shared(backing.fd(), 0, MEMORY_BYTES + ProbeCpu.PAGE_BYTES);
        ProbeCpu.writePageTables(memory.segment(), MISSING_PAGE, BEHIND_MISSING_PAGE);
        vm = kvm.createVm();
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(cpuid);
        cpu = new ProbeCpu(vcpu, cpuid);
    }

    /** Whether {@code syscall} in ring 3 comes to where the kernel wants it, and in ring 0. */
    boolean deliversSystemCalls() {
        vcpu.setMsrs(
                List.of(
                        new MsrEntry(MSR_STAR, (long) ProbeCpu.CODE_SELECTOR << 32),
                        new MsrEntry(MSR_LSTAR, CODE + SYSTEM_CALL.length),
                        new MsrEntry(MSR_FMASK, 0)));
        byte[] program = Arrays.copyOf(SYSTEM_CALL, SYSTEM_CALL.length + RING_0_OR_WRONG.length);
        System.arraycopy(RING_0_OR_WRONG, 0, program, SYSTEM_CALL.length, RING_0_OR_WRONG.length);
        return run(program, Ring.USER) == Ending.DONE;
    }

    /**
     * Runs a program from a fresh state.
     *
     * @throws KernelException the host cannot run it at all
     */
    Ending run(byte[] program, Ring ring) {
        MemorySegment code = memory.segment().asSlice(CODE, ProbeCpu.PAGE_BYTES);
        MemorySegment.copy(MemorySegment.ofArray(program), 0, code, 0, program.length);
        MemorySegment.copy(MemorySegment.ofArray(END), 0, code, program.length, END.length);
        MemorySegment data = memory.segment().asSlice(DATA, ProbeCpu.PAGE_BYTES);
        data.fill((byte) 0);
        data.set(JAVA_INT, 0, DEFAULT_MXCSR);
        cpu.enter(ring);
        vcpu.setRegs(
                new Regs(
                        0,
                        0,
                        0,
                        0,
                        0,
                        DATA,
                        STACK_TOP,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        CODE,
                        Regs.RFLAGS_RESERVED | RFLAGS_PORTS_FOR_USER));
        int result;
        do {
            result = vcpu.run();
        } while (Errno.EINTR.is(result) || Errno.EAGAIN.is(result));
        Ending ending = ending(result);
        usable = ending == Ending.DONE || ending == Ending.NOT_EMULATED;
        return ending;
    }

    private Ending ending(int result) {
        int reason = vcpu.page().exitReason();
        if (Errno.EFAULT.is(result)) {
            return reason == KvmConstants.KVM_EXIT_MEMORY_FAULT
                            && vcpu.page().memoryFaultGpa() == MISSING_PAGE
                    ? Ending.FAULT_WITH_ADDRESS
                    : Ending.FAULT_WITHOUT_ADDRESS;
        }
        KernelException.check("KVM_RUN", result);
        return switch (reason) {
            case KvmConstants.KVM_EXIT_IO ->
                    switch (vcpu.page().ioPort()) {
                        case END_PORT -> Ending.DONE;
                        case WRONG_PORT -> Ending.WRONG;
                        default -> Ending.OTHER;
                    };
            case KvmConstants.KVM_EXIT_SHUTDOWN -> Ending.EXCEPTION;
            case KvmConstants.KVM_EXIT_INTERNAL_ERROR -> Ending.NOT_EMULATED;
            default -> Ending.OTHER;
        };
    }

    /** Whether it can run another program: a processor that has shut down cannot. */
    boolean isUsable() {
        return usable;
    }

    /** The registers at the end of the last program. */
    Regs registers() {
        return vcpu.regs();
    }

    /** Whether a request to leave keeps the vCPU from entering the guest. */
    boolean heedsImmediateExit() {
        vcpu.page().requestExit();
        try {
            return Errno.EINTR.is(vcpu.run());
        } finally {
            vcpu.page().clearExitRequest();
        }
    }

    /** Whether signals can be opened for the time in the guest alone. */
    boolean takesSignalMask() {
        try {
            vcpu.setSignalMask(0);
            vcpu.clearSignalMask();
            return true;
        } catch (KernelException e) {
            return false;
        }
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        memory.close();
        backing.close();
    }
}
