// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static io.jvmm.ffi.kvm.KvmConstants.KVM_CAP_TSC_DEADLINE_TIMER;

import io.jvmm.boot.EntryState;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.Sregs.DescriptorTable;
import io.jvmm.layout.GuestLayout;

import java.util.List;

/** Brings vCPUs from reset into the state in which the guest's first instruction expects them. */
public final class VcpuSetup {

    private static final int CODE_SELECTOR = 0x10;
    private static final int DATA_SELECTOR = 0x18;

    private static final int MSR_MISC_ENABLE = 0x1A0;
    private static final long MISC_ENABLE_FAST_STRING = 1;
    private static final int MSR_MTRR_DEFAULT_TYPE = 0x2FF;

    /** MTRRs on, everything write-back: without it Linux takes memory for uncached. */
    private static final long MTRR_ON_WRITE_BACK = (1L << 11) | 6;

    private final CpuTopology topology;

    /**
     * @param cpus number of vCPUs of the machine
     */
    public VcpuSetup(Kvm kvm, int cpus) {
        this(kvm, cpus, true);
    }

    /**
     * @param cpus number of vCPUs of the machine
     * @param asyncPageFaults whether KVM may have missing pages brought by a thread of its own
     *     while the guest does something else. Never together with pages that no thread of the
     *     kernel's can have: guest and kernel would tell each other of such a page for ever
     */
    public VcpuSetup(Kvm kvm, int cpus, boolean asyncPageFaults) {
        boolean tscDeadline = kvm.checkExtension(KVM_CAP_TSC_DEADLINE_TIMER) > 0;
        this.topology = new CpuTopology(kvm.supportedCpuid(), tscDeadline, cpus, asyncPageFaults);
    }

    /** What every vCPU needs before it runs: CPUID first, then model-specific registers. */
    public void prepare(KvmVcpu vcpu, int index) {
        vcpu.setCpuid(topology.leavesOf(index));
        // One by one: a register that this host lacks must not keep the other from being set.
        vcpu.setMsrs(List.of(new MsrEntry(MSR_MISC_ENABLE, MISC_ENABLE_FAST_STRING)));
        vcpu.setMsrs(List.of(new MsrEntry(MSR_MTRR_DEFAULT_TYPE, MTRR_ON_WRITE_BACK)));
    }

    /** Puts the first vCPU at the guest's entry; the others wait for it to start them. */
    public static void enter(KvmVcpu vcpu, EntryState entry) {
        Sregs reset = vcpu.sregs();
        switch (entry) {
            case EntryState.LongMode e -> {
                DescriptorTable gdt = new DescriptorTable(e.gdtBase(), e.gdtLimit());
                vcpu.setSregs(reset.longMode(e.cr3(), gdt, CODE_SELECTOR, DATA_SELECTOR));
                vcpu.setRegs(Regs.atEntry(e.rip(), e.rsp(), e.rsi()));
            }
            case EntryState.Protected32 e -> {
                DescriptorTable gdt = new DescriptorTable(e.gdtBase(), e.gdtLimit());
                vcpu.setSregs(reset.protectedMode(gdt, CODE_SELECTOR, DATA_SELECTOR));
                vcpu.setRegs(Regs.atEntry(e.eip(), e.esp(), e.esi()).withRbx(e.ebx()));
            }
            case EntryState.RealMode e -> {
                vcpu.setSregs(reset.realMode(e.cs()));
                vcpu.setRegs(Regs.atEntry(e.ip(), GuestLayout.BOOT_STACK_TOP, 0));
            }
        }
    }
}
