// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.UffdConstants;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.host.ProbeVm.Ring;
import io.jvmm.paging.FaultMode;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;

/**
 * A throw-away machine with one missing page, whose vCPU is to bring it itself: once as data, once
 * as a page of the guest's page tables. The second is what tells hosts apart: a processor that
 * walks both page tables reports the page like any other, while KVM that walks the guest's tables
 * in software takes it for a fault of the guest's own, and the guest never recovers from that.
 *
 * <p>Used by one thread, in which it blocks {@code SIGBUS}.
 */
final class FaultProbe implements AutoCloseable {

    private static final int MISSING = ProbeVm.MISSING_PAGE;
    private static final int BEHIND = ProbeVm.BEHIND_MISSING_PAGE;
    private static final int MEMORY_BYTES = MISSING + ProbeCpu.PAGE_BYTES;
    private static final int CODE = 0x8000;
    private static final int DATA = 0x9000;
    private static final int STACK_TOP = 0xB000;
    private static final int VALUE = 0x5EED_F00D;
    private static final int PRESENT_WRITABLE_USER = 7;
    private static final int END_PORT = 0x50;
    private static final long RFLAGS_PORTS_FOR_USER = 3L << 12;

    private final FaultMode mode;
    private final Mapping memory = Mapping.anonymous(MEMORY_BYTES);
    private final Mapping staging = Mapping.anonymous(ProbeCpu.PAGE_BYTES);
    private final Userfaultfd uffd;
    private final KvmVm vm;
    private final KvmVcpu vcpu;
    private final ProbeCpu cpu;

    FaultProbe(Kvm kvm, FaultMode mode) {
        this.mode = mode;
        ProbeCpu.writePageTables(memory.segment(), MISSING, BEHIND);
        boolean marks = mode == FaultMode.POISON;
        uffd = Userfaultfd.open(Set.of(marks ? Feature.POISON : Feature.SIGBUS));
        try {
            uffd.register(
                    memory.address() + MISSING, ProbeCpu.PAGE_BYTES, Set.of(Tracking.MISSING));
            vm = kvm.createVm();
        } catch (RuntimeException e) {
            closeMemory();
            throw e;
        }
        try {
            vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
            vcpu = vm.createVcpu(0);
        } catch (RuntimeException e) {
            vm.close();
            closeMemory();
            throw e;
        }
        List<CpuidEntry> cpuid = kvm.supportedCpuid();
        vcpu.setCpuid(cpuid);
        cpu = new ProbeCpu(vcpu, cpuid);
        if (marks) {
            Signals.block(Signals.SIGBUS);
            vcpu.setSignalMask(Signals.blocked() & ~Signals.bit(Signals.SIGBUS));
        }
    }

    /** Why the mode does not work here; null if it does. */
    @Nullable String refusal() {
        staging.segment().fill((byte) 0);
        staging.segment().set(JAVA_INT, 0, VALUE);
        String asData = refusalOf(MISSING);
        if (asData != null) {
            return asData;
        }
        // The same page as a page table, which maps a page that is there.
        memory.segment().set(JAVA_INT, DATA, VALUE);
        staging.segment().set(JAVA_LONG, 0, DATA | PRESENT_WRITABLE_USER);
        memory.advise(Advice.DONTNEED, MISSING, ProbeCpu.PAGE_BYTES);
        return refusalOf(BEHIND);
    }

    private @Nullable String refusalOf(int address) {
        if (mode == FaultMode.POISON) {
            int keep = UffdConstants.UFFDIO_POISON_MODE_DONTWAKE;
            KernelException.check(
                    "UFFDIO_POISON",
                    uffd.tryPoison(memory.address() + MISSING, ProbeCpu.PAGE_BYTES, keep));
        }
        enter(address);
        int result = run();
        if (result == 0 && vcpu.page().exitReason() == KvmConstants.KVM_EXIT_SHUTDOWN) {
            return "KVM walks the guest's page tables in software here (shadow paging), and takes a"
                    + " page table that is missing for a fault of the guest's own";
        }
        if (!isTold(result)) {
            return mode == FaultMode.ANNOTATED
                    ? "this kernel does not tell which page is missing (KVM_EXIT_MEMORY_FAULT)"
                    : "no SIGBUS tells of a marked page here";
        }
        KernelException.check(
                "UFFDIO_COPY",
                uffd.tryCopy(
                        memory.address() + MISSING,
                        staging.segment(),
                        0,
                        ProbeCpu.PAGE_BYTES,
                        UffdConstants.UFFDIO_COPY_MODE_DONTWAKE));
        boolean ended =
                run() == 0
                        && vcpu.page().exitReason() == KvmConstants.KVM_EXIT_IO
                        && vcpu.page().ioPort() == END_PORT;
        return ended && (int) vcpu.regs().rax() == VALUE
                ? null
                : "a vCPU does not go on with the page that it has brought";
    }

    private boolean isTold(int result) {
        return switch (mode) {
            case BLOCKING -> false;
            case ANNOTATED ->
                    Errno.EFAULT.is(result)
                            && vcpu.page().exitReason() == KvmConstants.KVM_EXIT_MEMORY_FAULT
                            && vcpu.page().memoryFaultGpa() == MISSING;
            case POISON ->
                    Errno.EINTR.is(result)
                            && Signals.takeMissingPage() == memory.address() + MISSING;
        };
    }

    /** {@code mov eax, [address]; out 0x50, al} in ring 3. */
    private void enter(int address) {
        byte[] program = {(byte) 0x8B, 0x04, 0x25, 0, 0, 0, 0, (byte) 0xE6, END_PORT};
        ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN).putInt(3, address);
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, CODE + i, program[i]);
        }
        cpu.enter(Ring.USER);
        vcpu.setRegs(
                Regs.atEntry(CODE, STACK_TOP, 0)
                        .withRflags(Regs.RFLAGS_RESERVED | RFLAGS_PORTS_FOR_USER));
    }

    private int run() {
        int result;
        do {
            result = vcpu.run();
        } while (Errno.EAGAIN.is(result));
        return result;
    }

    private void closeMemory() {
        uffd.close();
        staging.close();
        memory.close();
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        closeMemory();
    }
}
