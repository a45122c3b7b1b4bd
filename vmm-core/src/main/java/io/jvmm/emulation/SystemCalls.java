// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.GuestDebug;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.SyncRegs;
import io.jvmm.memory.GuestMemory;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Brings the {@code syscall} of programs to the guest's kernel, on hosts whose KVM does half of it:
 * RIP, RCX and R11 are as they should be, but the privilege is still that of ring 3.
 *
 * <p>So the fetch at the kernel's entry faults, with a stack frame that nothing else makes: a fetch
 * of ring 3 at that very address. KVM interprets the fault's handler, and a breakpoint before its
 * first instruction hands the vCPU to the monitor, which makes of the fault what it was meant to
 * be. What is a page fault indeed goes on after a single step past the breakpoint. A program that
 * jumps to the kernel's entry makes a system call, too, instead of a fault; it gains nothing by it.
 *
 * <p>The kernel may move its interrupt table; {@link #observe} notices. A further vCPU may come
 * from its start to a program without an exit in between, and begins with what the others have
 * found. For the vCPU's thread.
 *
 * <p>Source: Intel SDM volume 2, SYSCALL; volume 3, 6.14 for the frame.
 */
public final class SystemCalls {

    private static final Logger LOG = LoggerFactory.getLogger(SystemCalls.class);

    private static final int MSR_STAR = 0xC000_0081;
    private static final int MSR_LSTAR = 0xC000_0082;
    private static final int MSR_FMASK = 0xC000_0084;
    private static final List<Integer> MSRS = List.of(MSR_STAR, MSR_LSTAR, MSR_FMASK);

    private static final int GATE_BYTES = 16;
    private static final int GATE_PRESENT = 1 << 7;

    /** Exits after which the handler is looked up again though the table is where it was. */
    private static final int LOOK_AGAIN = 256;

    private static final int FRAME_BYTES = 6 * Long.BYTES;
    private static final int ERROR_WRITE = 1 << 1;
    private static final int ERROR_USER = 1 << 2;
    private static final int PRIVILEGE = 3;
    private static final long IOPL = 3L << 12;

    private final KvmVcpu vcpu;
    private final SyncRegs page;
    private final DebugRequests debug;
    private final AtomicLong shared;
    private final LinearMemory memory;
    private long table;
    private long handler;
    private boolean stepping;
    private boolean lookDue = true;
    private int seen;
    private long delivered;

    /**
     * Turns registers in the page shared with the kernel on, as {@link Completion} does.
     *
     * @param shared by all vCPUs of a machine: the handler that one of them has found, or 0
     * @param debug where a breakpoint is asked for
     */
    public SystemCalls(KvmVcpu vcpu, GuestMemory memory, AtomicLong shared, DebugRequests debug) {
        this.vcpu = vcpu;
        this.debug = debug;
        this.page = vcpu.page().syncRegs();
        this.shared = shared;
        this.memory =
                new LinearMemory(
                        memory,
                        new PageWalker(memory, Completion.physicalBits(vcpu.cpuid())),
                        WideCompareExchange.SINGLE_VCPU);
        page.enable();
    }

    /** System calls that came to the kernel by this way. */
    public long delivered() {
        return delivered;
    }

    /** Others may have set the vCPU's registers, or it has just started. */
    void begin() {
        if (stepping) {
            stepping = false;
            handler = 0;
        }
        lookDue = true;
    }

    /** After every exit: notes whether the guest's handler of page faults may have moved. */
    void observe() {
        lookDue |= page.interruptTable() != table || ++seen >= LOOK_AGAIN;
    }

    /** Whether to {@link #look} before the vCPU is entered. */
    boolean isLookDue() {
        return lookDue && !stepping;
    }

    /**
     * Finds the guest's handler of page faults, before the vCPU is entered.
     *
     * @throws MissingPage a page on the way to it is not there yet
     */
    void look() {
        Sregs system = vcpu.sregs();
        long found = (system.efer() & Sregs.EFER_LMA) == 0 ? 0 : handler(system);
        lookDue = false;
        seen = 0;
        table = system.idt().base();
        if (found == 0) {
            found = shared.get();
        } else {
            shared.set(found);
        }
        if (found != handler) {
            handler = found;
            debug.request(GuestDebug.before(found));
        }
    }

    /** The linear address of the handler of page faults, or 0 (SDM volume 3, 6.14.1). */
    private long handler(Sregs system) {
        if (system.idt().limit() < (GuestFault.PAGE + 1) * GATE_BYTES - 1) {
            return 0;
        }
        byte @Nullable [] gate =
                read(system, system.idt().base() + GuestFault.PAGE * GATE_BYTES, GATE_BYTES);
        if (gate == null || (gate[5] & GATE_PRESENT) == 0) {
            return 0;
        }
        return LittleEndian.get(gate, 0, 2)
                | LittleEndian.get(gate, 6, 2) << 16
                | LittleEndian.get(gate, 8, 4) << 32;
    }

    /** What the kernel's part of the page tables maps there, or null. */
    private byte @Nullable [] read(Sregs system, long linear, int size) {
        Segment code = Segment.code64(system.cs().selector() & ~PRIVILEGE);
        Sregs kernel = system.withCode(code, Segment.data(0));
        try {
            Registers cpu = new Registers(Regs.atEntry(0, 0, 0), kernel);
            return memory.read(cpu, linear, new byte[size], () -> 0);
        } catch (GuestFault | Refusal e) {
            return null;
        }
    }

    /**
     * Answers an exit for {@code KVM_EXIT_DEBUG}.
     *
     * @throws MissingPage a page on the way to the stack is not there yet; entered again, the vCPU
     *     comes to the same exit
     */
    void debugExit() {
        if (stepping) {
            stepping = false;
            debug.request(GuestDebug.before(handler));
            return;
        }
        Regs regs = page.regs();
        Sregs system = page.sregs();
        byte @Nullable [] frame = read(system, regs.rsp(), FRAME_BYTES);
        if (regs.rip() != handler || frame == null || !deliver(regs, system, frame)) {
            stepping = true;
            debug.request(GuestDebug.STEP);
        }
    }

    private boolean deliver(Regs regs, Sregs system, byte[] frame) {
        long error = LittleEndian.getLong(frame, 0);
        long rip = LittleEndian.getLong(frame, 8);
        long cs = LittleEndian.getLong(frame, 16);
        if ((error & (ERROR_USER | ERROR_WRITE)) != ERROR_USER
                || (cs & PRIVILEGE) != PRIVILEGE
                || rip != system.cr2()) {
            return false;
        }
        List<MsrEntry> msrs = vcpu.msrs(MSRS);
        if (msrs.size() != MSRS.size() || msrs.get(1).value() != rip) {
            return false;
        }
        int selector = (int) (msrs.get(0).value() >>> 32) & 0xFFFC;
        // The processor has saved its own privilege of ports, not the guest's.
        long flags = (regs.r11() & ~(IOPL | Flags.RF)) | (LittleEndian.getLong(frame, 24) & IOPL);
        page.sregs(system.withCode(Segment.code64(selector), Segment.data(selector + 8)));
        page.regs(entered(regs, LittleEndian.getLong(frame, 32), rip, flags, msrs.get(2).value()));
        if (delivered++ == 0) {
            LOG.debug("brings system calls to the guest's kernel, at 0x{}", Long.toHexString(rip));
        }
        return true;
    }

    private static Regs entered(Regs r, long rsp, long rip, long flags, long mask) {
        return new Regs(
                r.rax(),
                r.rbx(),
                r.rcx(),
                r.rdx(),
                r.rsi(),
                r.rdi(),
                rsp,
                r.rbp(),
                r.r8(),
                r.r9(),
                r.r10(),
                flags,
                r.r12(),
                r.r13(),
                r.r14(),
                r.r15(),
                rip,
                (flags & ~mask) | Regs.RFLAGS_RESERVED);
    }
}
