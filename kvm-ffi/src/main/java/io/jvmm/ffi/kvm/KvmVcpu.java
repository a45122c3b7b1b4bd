// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * A vCPU as KVM has it: a descriptor and the page it shares with whoever runs it.
 *
 * <p>KVM wants every call from the thread that runs the vCPU (api.rst, section 2); calls of another
 * thread wait in the kernel until {@link #run} returns. Close it when no thread is inside.
 */
public final class KvmVcpu extends KvmVcpuState implements AutoCloseable {

    static final int DEVICE_ATTR_SIZE = 24;
    static final long ATTR_GROUP = 4;
    static final long ATTR_NUMBER = 8;
    static final long ATTR_ADDRESS = 16;
    static final long SIGNAL_MASK_SET = 4;

    /** The kernel takes fewer registers than {@code MAX_IO_MSRS}, 256, in one call. */
    private static final int MSRS_PER_CALL = 255;

    private static final int MOST_CPUID_ENTRIES = 256;

    private final Mapping mapping;
    private final KvmRun page;

    private KvmVcpu(Fd fd, Mapping mapping, int xsave2Size) {
        super(fd, xsave2Size);
        this.mapping = mapping;
        this.page = new KvmRun(mapping.segment());
    }

    /**
     * @param xsave2Size the answer to {@code KVM_CAP_XSAVE2}
     */
    static KvmVcpu own(Fd fd, int mmapSize, int xsave2Size) {
        try {
            return new KvmVcpu(fd, Mapping.shared(fd, 0, mmapSize), xsave2Size);
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

    /** Sets where the vCPU leaves the guest for the monitor's sake. */
    public void setGuestDebug(GuestDebug where) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(GuestDebug.SIZE, Long.BYTES);
            where.write(segment);
            fd.ioctl("KVM_SET_GUEST_DEBUG", KvmRequests.KVM_SET_GUEST_DEBUG, segment);
        }
    }

    /** What CPUID answers, as it was set. */
    public List<CpuidEntry> cpuid() {
        try (Arena arena = Arena.ofConfined()) {
            // KVM takes no more than this, so there is never more to read.
            CountedList list = new CountedList(arena, 8, CpuidEntry.SIZE, MOST_CPUID_ENTRIES);
            fd.ioctl("KVM_GET_CPUID2", KvmRequests.KVM_GET_CPUID2, list.segment());
            List<CpuidEntry> entries = new ArrayList<>(list.count());
            for (int i = 0; i < list.count(); i++) {
                entries.add(CpuidEntry.read(list.segment(), list.at(i)));
            }
            return List.copyOf(entries);
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

    /** Reads any number of model-specific registers, and tells which are unknown. */
    public MsrReading readMsrs(List<Integer> indices) {
        List<MsrEntry> entries = new ArrayList<>(indices.size());
        List<Integer> unknown = new ArrayList<>();
        int next = 0;
        while (next < indices.size()) {
            int end = Math.min(indices.size(), next + MSRS_PER_CALL);
            List<MsrEntry> read = msrs(indices.subList(next, end));
            entries.addAll(read);
            next += read.size();
            if (next < end) {
                unknown.add(indices.get(next));
                next++;
            }
        }
        return new MsrReading(entries, unknown);
    }

    /**
     * Sets any number of model-specific registers in order, and goes on after one that is refused.
     *
     * @return those that were refused: unknown here, or with a value that they cannot hold
     */
    public List<MsrEntry> writeMsrs(List<MsrEntry> entries) {
        List<MsrEntry> refused = new ArrayList<>();
        int next = 0;
        while (next < entries.size()) {
            int end = Math.min(entries.size(), next + MSRS_PER_CALL);
            next += setMsrs(entries.subList(next, end));
            if (next < end) {
                refused.add(entries.get(next));
                next++;
            }
        }
        return List.copyOf(refused);
    }

    /** The vCPU's time stamp counter, in kHz; 0 when the host does not tell. */
    public int tscKhz() {
        return Math.max(0, fd.tryIoctl(KvmRequests.KVM_GET_TSC_KHZ, 0));
    }

    /**
     * Sets the rate of the vCPU's time stamp counter.
     *
     * @param khz 1 to 2<sup>31</sup>-1
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when the host cannot scale and the
     *     rate is below its own; without scaling, a higher rate is met by correcting the counter at
     *     every entry
     */
    public void setTscKhz(int khz) {
        if (khz <= 0) {
            throw new IllegalArgumentException("a rate of " + khz + " kHz");
        }
        fd.ioctl("KVM_SET_TSC_KHZ", KvmRequests.KVM_SET_TSC_KHZ, khz);
    }

    /**
     * What the vCPU's time stamp counter is ahead of the host's.
     *
     * @return nothing on a kernel older than 5.16, which does not tell
     */
    public OptionalLong tscOffset() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment offset = arena.allocate(JAVA_LONG);
            MemorySegment attribute = tscOffsetAttribute(arena, offset);
            if (fd.tryIoctl(KvmRequests.KVM_HAS_DEVICE_ATTR, attribute) < 0) {
                return OptionalLong.empty();
            }
            fd.ioctl("KVM_GET_DEVICE_ATTR", KvmRequests.KVM_GET_DEVICE_ATTR, attribute);
            return OptionalLong.of(offset.get(JAVA_LONG, 0));
        }
    }

    /**
     * Sets what the vCPU's time stamp counter is ahead of the host's. A host that gives its guests
     * its own counter accepts the value and ignores it.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code ENXIO} or {@code ENOTTY} on a kernel older
     *     than 5.16
     */
    public void setTscOffset(long ticks) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attribute =
                    tscOffsetAttribute(arena, arena.allocateFrom(JAVA_LONG, ticks));
            fd.ioctl("KVM_SET_DEVICE_ATTR", KvmRequests.KVM_SET_DEVICE_ATTR, attribute);
        }
    }

    private static MemorySegment tscOffsetAttribute(Arena arena, MemorySegment value) {
        MemorySegment attribute = arena.allocate(DEVICE_ATTR_SIZE, Long.BYTES);
        attribute.set(JAVA_INT, ATTR_GROUP, KvmConstants.KVM_VCPU_TSC_CTRL);
        attribute.set(JAVA_LONG, ATTR_NUMBER, KvmConstants.KVM_VCPU_TSC_OFFSET);
        attribute.set(JAVA_LONG, ATTR_ADDRESS, value.address());
        return attribute;
    }

    /**
     * Tells a guest that uses kvmclock that it was paused, so that its watchdogs forgive the time;
     * to be called before it runs again.
     *
     * @return whether the guest uses kvmclock
     */
    public boolean kvmclockCtrl() {
        int result = fd.tryIoctl(KvmRequests.KVM_KVMCLOCK_CTRL, 0);
        if (Errno.EINVAL.is(result)) {
            return false;
        }
        KernelException.check("KVM_KVMCLOCK_CTRL", result);
        return true;
    }

    /**
     * Replaces the thread's signal mask for the time inside {@link #run}, atomically: a signal that
     * the thread blocks and this mask lets through ends {@code run} and stays pending.
     *
     * @param blocked signals that stay blocked, bit {@code n - 1} for signal {@code n}
     */
    public void setSignalMask(long blocked) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mask = arena.allocate(SIGNAL_MASK_SET + Long.BYTES, Integer.BYTES);
            mask.set(JAVA_INT, 0, Long.BYTES);
            mask.set(JAVA_LONG_UNALIGNED, SIGNAL_MASK_SET, blocked);
            fd.ioctl("KVM_SET_SIGNAL_MASK", KvmRequests.KVM_SET_SIGNAL_MASK, mask);
        }
    }

    /** Lets {@link #run} use the thread's own signal mask again. */
    public void clearSignalMask() {
        fd.ioctl("KVM_SET_SIGNAL_MASK", KvmRequests.KVM_SET_SIGNAL_MASK, 0);
    }

    /** Unmaps the page, then closes the descriptor; a view of the page throws from then on. */
    @Override
    public void close() {
        mapping.close();
        fd.close();
    }
}
