// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.Emulator.Outcome;
import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.SyncRegs;
import io.jvmm.ffi.kvm.VcpuEvents;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.memory.GuestMemory;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Completes, for one vCPU, the instructions that KVM gives up on, and lets the guest go on.
 *
 * <p>Only for hosts that interpret kernel code; elsewhere KVM never asks. Made before the vCPU runs
 * for the first time, with {@link #enable} called on its machine. {@link #complete} belongs to the
 * vCPU's thread, after an exit and before the next {@link KvmVcpu#run}, which takes the result up.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, {@code KVM_CAP_EXIT_ON_EMULATION_FAILURE}.
 */
public final class Completion {

    /** What became of something that the monitor does for the guest. */
    public sealed interface Result {

        /** The guest can go on. */
        record Done() implements Result {
            static final Done INSTANCE = new Done();
        }

        /**
         * It needs a page of memory that is not there yet, and nothing has changed. To be asked for
         * again when the page has come; if the vCPU is entered before, KVM asks again.
         *
         * @param gpa guest-physical address in the page
         */
        record Missing(long gpa) implements Result {}

        /**
         * The guest cannot go on.
         *
         * @param reason as a sentence
         */
        record Refused(String reason) implements Result {}
    }

    private static final Logger LOG = LoggerFactory.getLogger(Completion.class);

    private static final int LEAF_ADDRESS_SIZES = 0x8000_0008;
    private static final int LEAST_PHYSICAL_BITS = 36;
    private static final int MOST_PHYSICAL_BITS = 52;

    /** Of the debug status: a single step. */
    private static final long DR6_SINGLE_STEP = 1 << 14;

    private final KvmVcpu vcpu;
    private final GuestMemory memory;
    private final WideCompareExchange wide;
    private final @Nullable SystemCalls systemCalls;
    private final VcpuExtendedState state;
    private final Map<String, Integer> counts = new TreeMap<>();
    private @Nullable Emulator emulator;

    /**
     * @param wide how 16 bytes are exchanged while the machine's other vCPUs run; stays the
     *     caller's
     * @param systemCalls brings those of programs to the guest's kernel; null where KVM does
     */
    public Completion(
            KvmVcpu vcpu,
            GuestMemory memory,
            WideCompareExchange wide,
            @Nullable SystemCalls systemCalls) {
        this.vcpu = vcpu;
        this.memory = memory;
        this.wide = wide;
        this.systemCalls = systemCalls;
        this.state = new VcpuExtendedState(vcpu);
        vcpu.page().syncRegs().enable();
    }

    /**
     * Makes KVM ask instead of raising an exception of its own; before any vCPU of the machine
     * runs.
     *
     * @return whether this kernel can
     */
    public static boolean enable(KvmVm vm) {
        boolean can =
                vm.checkExtension(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE) > 0
                        && (vm.checkExtension(KvmConstants.KVM_CAP_SYNC_REGS) & SyncRegs.ALL)
                                == SyncRegs.ALL;
        if (can) {
            vm.enableCapability(KvmConstants.KVM_CAP_EXIT_ON_EMULATION_FAILURE, 1);
        }
        return can;
    }

    /** How often each instruction was completed. A copy; on the vCPU's thread, or after its end. */
    public Map<String, Integer> counts() {
        return Map.copyOf(counts);
    }

    /** Others may have set the vCPU's registers, or it has just started. */
    public void begin() {
        if (systemCalls != null) {
            systemCalls.begin();
        }
    }

    /** Looks at every exit. */
    public void observe() {
        if (systemCalls != null) {
            systemCalls.observe();
        }
    }

    /** Whether there is something to {@link #prepare} before the vCPU is entered. */
    public boolean needsPreparation() {
        return systemCalls != null && systemCalls.isLookDue();
    }

    /** Before the vCPU is entered: follows what the guest has changed. */
    public Result prepare() {
        return systemCalls == null ? Result.Done.INSTANCE : done(systemCalls::look);
    }

    /** Answers an exit for {@code KVM_EXIT_DEBUG} that was asked for here. */
    public Result debugExit() {
        return systemCalls == null ? Result.Done.INSTANCE : done(systemCalls::debugExit);
    }

    private static Result done(Runnable action) {
        try {
            action.run();
            return Result.Done.INSTANCE;
        } catch (MissingPage page) {
            return new Result.Missing(page.gpa());
        }
    }

    /**
     * Completes the instruction of an exit for {@code KVM_INTERNAL_ERROR_EMULATION}. Without its
     * completion KVM comes to it again at the next entry.
     */
    public Result complete() {
        SyncRegs page = vcpu.page().syncRegs();
        Regs before = page.regs();
        Sregs system = page.sregs();
        try {
            return switch (emulator().step(before, system, vcpu.page().failedInstruction())) {
                case Outcome.Completed done -> {
                    completed(page, before, done);
                    yield Result.Done.INSTANCE;
                }
                case Outcome.Faulted fault -> {
                    faulted(page, system, fault);
                    yield Result.Done.INSTANCE;
                }
                case Outcome.Missing missing -> new Result.Missing(missing.gpa());
                case Outcome.Refused refused ->
                        new Result.Refused(
                                "the host interprets kernel code, and neither KVM nor jvmm knows: "
                                        + refused.reason());
            };
        } catch (KernelException e) {
            return new Result.Refused(
                    "the host interprets kernel code, and an instruction at 0x%x failed: %s"
                            .formatted(before.rip(), e.getMessage()));
        }
    }

    private Emulator emulator() {
        if (emulator == null) {
            List<CpuidEntry> cpuid = vcpu.cpuid();
            emulator =
                    new Emulator(memory, physicalBits(cpuid), state, new XsaveLayout(cpuid), wide);
        }
        return emulator;
    }

    static int physicalBits(List<CpuidEntry> cpuid) {
        return cpuid.stream()
                .filter(leaf -> leaf.function() == LEAF_ADDRESS_SIZES)
                .mapToInt(leaf -> leaf.eax() & 0xFF)
                .map(bits -> Math.clamp(bits, LEAST_PHYSICAL_BITS, MOST_PHYSICAL_BITS))
                .findFirst()
                .orElse(LEAST_PHYSICAL_BITS);
    }

    private void completed(SyncRegs page, Regs before, Outcome.Completed done) {
        if (counts.merge(done.name(), 1, Integer::sum) == 1) {
            LOG.debug("completes {}, first at 0x{}", done.name(), Long.toHexString(before.rip()));
        }
        page.regs(done.regs());
        VcpuEvents events = page.events().afterInstruction();
        if (done.trap() >= 0) {
            page.events(events.raising(done.trap(), false, 0));
        } else if ((before.rflags() & Flags.TF) != 0) {
            state.raiseDebugStatus(DR6_SINGLE_STEP);
            page.events(events.raising(GuestFault.DEBUG, false, 0));
        } else if (page.events().interrupt().shadow() != 0) {
            page.events(events);
        }
    }

    private static void faulted(SyncRegs page, Sregs system, Outcome.Faulted fault) {
        if (fault.vector() == GuestFault.PAGE) {
            page.sregs(system.withCr2(fault.address()));
        }
        page.events(
                page.events()
                        .afterInstruction()
                        .raising(fault.vector(), fault.hasErrorCode(), fault.errorCode()));
    }
}
