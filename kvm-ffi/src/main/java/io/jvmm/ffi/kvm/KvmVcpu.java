package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A vCPU as KVM has it: a descriptor and the page it shares with whoever runs it.
 *
 * <p>KVM wants every call from the thread that runs the vCPU (api.rst, section 2); calls of another
 * thread wait in the kernel until {@link #run} returns. Close it when no thread is inside.
 */
public final class KvmVcpu implements AutoCloseable {

    private final Fd fd;
    private final Mapping mapping;
    private final KvmRun page;

    private KvmVcpu(Fd fd, Mapping mapping) {
        this.fd = fd;
        this.mapping = mapping;
        this.page = new KvmRun(mapping.segment());
    }

    static KvmVcpu own(Fd fd, int mmapSize) {
        try {
            return new KvmVcpu(fd, Mapping.shared(fd, 0, mmapSize));
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The shared page. */
    public KvmRun page() {
        return page;
    }

    /**
     * Runs the guest until it needs this process, or a signal comes.
     *
     * @return 0 for an exit that {@link KvmRun#exitReason} names; {@code -EINTR} for a signal or
     *     {@link KvmRun#requestExit}; {@code -EFAULT} or {@code -EHWPOISON} for a memory fault;
     *     another {@code -errno} when the vCPU cannot run
     */
    public int run() {
        return fd.tryIoctl(KvmRequests.KVM_RUN, 0);
    }

    /** The general registers. */
    public Regs regs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment regs = arena.allocate(Regs.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_REGS", KvmRequests.KVM_GET_REGS, regs);
            return Regs.read(regs);
        }
    }

    /** Sets the general registers. */
    public void setRegs(Regs regs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(Regs.SIZE, Long.BYTES);
            regs.write(segment);
            fd.ioctl("KVM_SET_REGS", KvmRequests.KVM_SET_REGS, segment);
        }
    }

    /** The special registers. */
    public Sregs sregs() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sregs = arena.allocate(Sregs.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_SREGS", KvmRequests.KVM_GET_SREGS, sregs);
            return Sregs.read(sregs);
        }
    }

    /**
     * Sets the special registers.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a combination that no processor
     *     can be in
     */
    public void setSregs(Sregs sregs) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(Sregs.SIZE, Long.BYTES);
            sregs.write(segment);
            fd.ioctl("KVM_SET_SREGS", KvmRequests.KVM_SET_SREGS, segment);
        }
    }

    /** Sets what CPUID answers; before the vCPU runs for the first time. */
    public void setCpuid(List<CpuidEntry> entries) {
        try (Arena arena = Arena.ofConfined()) {
            CountedList list = new CountedList(arena, 8, CpuidEntry.SIZE, entries.size());
            for (int i = 0; i < entries.size(); i++) {
                entries.get(i).write(list.segment(), list.at(i));
            }
            fd.ioctl("KVM_SET_CPUID2", KvmRequests.KVM_SET_CPUID2, list.segment());
        }
    }

    /**
     * Reads model-specific registers.
     *
     * @return those that KVM knows, in the order asked; reading ends at the first that it does not
     */
    public List<MsrEntry> msrs(List<Integer> indices) {
        try (Arena arena = Arena.ofConfined()) {
            CountedList list = new CountedList(arena, 8, MsrEntry.SIZE, indices.size());
            for (int i = 0; i < indices.size(); i++) {
                list.segment().set(JAVA_INT, list.at(i) + MsrEntry.INDEX, indices.get(i));
            }
            int read = fd.ioctl("KVM_GET_MSRS", KvmRequests.KVM_GET_MSRS, list.segment());
            List<MsrEntry> entries = new ArrayList<>(read);
            for (int i = 0; i < read; i++) {
                long value = list.segment().get(JAVA_LONG, list.at(i) + MsrEntry.DATA);
                entries.add(new MsrEntry(indices.get(i), value));
            }
            return List.copyOf(entries);
        }
    }

    /**
     * Sets model-specific registers in order.
     *
     * @return how many were set; fewer than given means that the next one was refused
     */
    public int setMsrs(List<MsrEntry> entries) {
        try (Arena arena = Arena.ofConfined()) {
            CountedList list = new CountedList(arena, 8, MsrEntry.SIZE, entries.size());
            for (int i = 0; i < entries.size(); i++) {
                MsrEntry entry = entries.get(i);
                list.segment().set(JAVA_INT, list.at(i) + MsrEntry.INDEX, entry.index());
                list.segment().set(JAVA_LONG, list.at(i) + MsrEntry.DATA, entry.value());
            }
            return fd.ioctl("KVM_SET_MSRS", KvmRequests.KVM_SET_MSRS, list.segment());
        }
    }

    /** Whether the vCPU runs, halts, or waits for its start: one of {@code KVM_MP_STATE_*}. */
    public int mpState() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(JAVA_INT);
            fd.ioctl("KVM_GET_MP_STATE", KvmRequests.KVM_GET_MP_STATE, state);
            return state.get(JAVA_INT, 0);
        }
    }

    /** The vCPU's time stamp counter, in kHz; 0 when the host does not tell. */
    public int tscKhz() {
        return Math.max(0, fd.tryIoctl(KvmRequests.KVM_GET_TSC_KHZ, 0));
    }

    /** Unmaps the page, then closes the descriptor; a view of the page throws from then on. */
    @Override
    public void close() {
        mapping.close();
        fd.close();
    }
}
