// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Registers that the kernel leaves in the shared page at every exit and takes from there at the
 * next entry ({@code struct kvm_sync_regs}), which saves four system calls per look at a vCPU.
 *
 * <p>Off until {@link #enable}; values are those of the last exit. What a setter stores becomes the
 * vCPU's with the next {@link KvmVcpu#run}, in the order general registers, special registers,
 * events, and before an exit request is looked at. Belongs to the vCPU's thread.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, {@code KVM_CAP_SYNC_REGS}.
 */
public final class SyncRegs {

    static final long REGS = KvmRun.SYNC_REGS;
    static final long SREGS = REGS + Regs.SIZE;
    static final long EVENTS = SREGS + Sregs.SIZE;

    static final int KVM_SYNC_X86_REGS = 1;
    static final int KVM_SYNC_X86_SREGS = 2;
    static final int KVM_SYNC_X86_EVENTS = 4;

    /** What {@link KvmConstants#KVM_CAP_SYNC_REGS} must answer, at least. */
    public static final int ALL = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;

    private final MemorySegment page;

    SyncRegs(MemorySegment page) {
        this.page = page;
    }

    /**
     * Asks the kernel for all three sets at every exit.
     *
     * <p>Needs {@link KvmConstants#KVM_CAP_SYNC_REGS} with {@link #ALL}, or {@link KvmVcpu#run}
     * fails with {@code EINVAL}.
     */
    public void enable() {
        page.set(JAVA_LONG, KvmRun.VALID_REGS, ALL);
    }

    /** The general registers. */
    public Regs regs() {
        return Regs.read(page.asSlice(REGS, Regs.SIZE));
    }

    /** Sets the general registers. */
    public void regs(Regs regs) {
        regs.write(page.asSlice(REGS, Regs.SIZE));
        changed(KVM_SYNC_X86_REGS);
    }

    /** The special registers. */
    public Sregs sregs() {
        return Sregs.read(page.asSlice(SREGS, Sregs.SIZE));
    }

    /** Of the special registers, the linear address of the interrupt table alone. */
    public long interruptTable() {
        return page.get(JAVA_LONG, SREGS + Sregs.IDT);
    }

    /** Sets the special registers. */
    public void sregs(Sregs sregs) {
        sregs.write(page.asSlice(SREGS, Sregs.SIZE));
        changed(KVM_SYNC_X86_SREGS);
    }

    /** What is on its way into the vCPU. */
    public VcpuEvents events() {
        return VcpuEvents.read(page.asSlice(EVENTS, VcpuEvents.SIZE));
    }

    /** Sets what is on its way into the vCPU. */
    public void events(VcpuEvents events) {
        events.write(page.asSlice(EVENTS, VcpuEvents.SIZE));
        changed(KVM_SYNC_X86_EVENTS);
    }

    private void changed(int set) {
        page.set(JAVA_LONG, KvmRun.DIRTY_REGS, page.get(JAVA_LONG, KvmRun.DIRTY_REGS) | set);
    }
}
