// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_FAIL_ENTRY;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_HLT;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_INTERNAL_ERROR;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_EXIT_MEMORY_FAULT;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_INTERNAL_ERROR_DELIVERY_EV;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_INTERNAL_ERROR_EMULATION;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_INTERNAL_ERROR_SIMUL_EX;
import static io.jvmm.ffi.kvm.KvmConstants.KVM_MEMORY_EXIT_FLAG_PRIVATE;

import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;

import java.util.HexFormat;

/** Puts into words why a vCPU cannot go on. Runs once per vCPU, on its thread. */
final class ExitReport {

    private ExitReport() {}

    /** {@code KVM_RUN} itself failed. */
    static VcpuStop.Failed refused(KvmVcpu vcpu, int result) {
        Errno errno = Errno.of(result);
        boolean memoryFault = errno.equals(Errno.EFAULT) || errno.equals(Errno.EHWPOISON);
        KvmRun page = vcpu.page();
        if (memoryFault && page.exitReason() == KVM_EXIT_MEMORY_FAULT) {
            boolean isPrivate = (page.memoryFaultFlags() & KVM_MEMORY_EXIT_FLAG_PRIVATE) != 0;
            return failed(
                    vcpu,
                    "%s: guest memory at 0x%x (%d bytes, flags 0x%x) could not be reached%s"
                            .formatted(
                                    errno,
                                    page.memoryFaultGpa(),
                                    page.memoryFaultSize(),
                                    page.memoryFaultFlags(),
                                    isPrivate
                                            ? ": the guest takes it for private, and this machine"
                                                    + " has no private memory"
                                            : ""));
        }
        if (memoryFault) {
            return failed(
                    vcpu,
                    errno
                            + ": guest memory could not be reached, and this kernel does not say"
                            + " where");
        }
        return failed(vcpu, "KVM_RUN: " + errno + ": " + errno.text());
    }

    /** A page could not be reached, and what was tried did not help. */
    static VcpuStop.Failed refused(KvmVcpu vcpu, int result, long gpa, VcpuPages.Answer tried) {
        String why =
                switch (tried) {
                    case NO_MEMORY -> "it is no memory of this machine";
                    case BROKEN ->
                            "the host cannot supply it, for want of memory or because of an"
                                    + " error of its memory";
                    case PRESENT, BROUGHT, INTERRUPTED ->
                            "it is there, and the vCPU faults on it again and again";
                };
        return failed(
                vcpu,
                "%s: guest memory at 0x%x could not be reached: %s"
                        .formatted(Errno.of(result), gpa, why));
    }

    /** An exit that has no answer. */
    static VcpuStop.Failed failed(KvmVcpu vcpu, int reason) {
        KvmRun page = vcpu.page();
        return failed(
                vcpu,
                switch (reason) {
                    case KVM_EXIT_INTERNAL_ERROR -> internalError(page);
                    case KVM_EXIT_FAIL_ENTRY ->
                            "the processor refuses to enter the guest (hardware reason 0x%x): its"
                                            .formatted(page.hardwareReason())
                                    + " registers are in a state that this processor cannot run";
                    case KVM_EXIT_HLT ->
                            "the guest halted, and there is no interrupt controller to wake it";
                    default -> "KVM left the guest for reason " + reason + ", which has no answer";
                });
    }

    private static String internalError(KvmRun page) {
        return switch (page.internalSuberror()) {
            case KVM_INTERNAL_ERROR_EMULATION -> emulation(page.failedInstruction());
            case KVM_INTERNAL_ERROR_SIMUL_EX ->
                    "KVM met an exception inside an exception that it cannot deliver";
            case KVM_INTERNAL_ERROR_DELIVERY_EV ->
                    "KVM left the guest while it delivered an event: its interrupt table or stack"
                            + " is not in memory";
            default -> "KVM internal error " + page.internalSuberror();
        };
    }

    /** Without the bytes KVM could not even fetch the instruction. */
    private static String emulation(byte[] instruction) {
        if (instruction.length == 0) {
            return "KVM cannot fetch the guest's next instruction: RIP points to where there is no"
                    + " memory, or the host interprets what it cannot read";
        }
        return "KVM cannot emulate an instruction of the guest (%s): this host interprets kernel code"
                        .formatted(HexFormat.ofDelimiter(" ").formatHex(instruction))
                + " instead of running it, and its interpreter lacks that instruction";
    }

    /** The vCPU cannot go on for a reason that is known already. */
    static VcpuStop.Failed failed(KvmVcpu vcpu, String reason) {
        return new VcpuStop.Failed(reason, registers(vcpu));
    }

    /** The registers, as a table for the log. */
    static String registers(KvmVcpu vcpu) {
        try {
            Regs r = vcpu.regs();
            Sregs s = vcpu.sregs();
            return """
            rip %016x  rflags %016x
            rax %016x  rbx %016x  rcx %016x  rdx %016x
            rsi %016x  rdi %016x  rsp %016x  rbp %016x
            r8  %016x  r9  %016x  r10 %016x  r11 %016x
            r12 %016x  r13 %016x  r14 %016x  r15 %016x
            cr0 %016x  cr2 %016x  cr3 %016x  cr4 %016x
            cs %04x base %x  ss %04x  tr %04x  gdt %x+%x  idt %x+%x  efer %x\
            """
                    .formatted(
                            r.rip(),
                            r.rflags(),
                            r.rax(),
                            r.rbx(),
                            r.rcx(),
                            r.rdx(),
                            r.rsi(),
                            r.rdi(),
                            r.rsp(),
                            r.rbp(),
                            r.r8(),
                            r.r9(),
                            r.r10(),
                            r.r11(),
                            r.r12(),
                            r.r13(),
                            r.r14(),
                            r.r15(),
                            s.cr0(),
                            s.cr2(),
                            s.cr3(),
                            s.cr4(),
                            s.cs().selector(),
                            s.cs().base(),
                            s.ss().selector(),
                            s.tr().selector(),
                            s.gdt().base(),
                            s.gdt().limit(),
                            s.idt().base(),
                            s.idt().limit(),
                            s.efer());
        } catch (KernelException e) {
            return "registers cannot be read: " + e.getMessage();
        }
    }
}
