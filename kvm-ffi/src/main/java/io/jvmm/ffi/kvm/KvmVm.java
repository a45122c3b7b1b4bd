// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A virtual machine as KVM has it: memory slots, interrupt controllers, vCPUs.
 *
 * <p>Safe for use by many threads. Close it after its vCPUs; the kernel keeps the machine while any
 * descriptor of it is open. The memory that its slots name belongs to the caller and must stay
 * mapped until then.
 *
 * <p>Source: {@code Documentation/virt/kvm/api.rst}, "VM ioctls".
 */
public final class KvmVm implements AutoCloseable {

    private static final int PIT_CONFIG_SIZE = 64;
    private static final int MEMORY_REGION_SIZE = 32;

    static final int MEMORY_REGION2_SIZE = 160;
    static final int GUEST_MEMFD_SIZE = 64;

    static final int IRQCHIP_SIZE = 520;
    static final long IRQCHIP_ID = 0;
    static final long IRQCHIP_CONTENT = 8;

    /** Bytes of a controller's content, whichever it is. */
    private static final int CONTENT_SIZE = 512;

    private final Fd fd;
    private final int vcpuMmapSize;

    KvmVm(Fd fd, int vcpuMmapSize) {
        this.fd = fd;
        this.vcpuMmapSize = vcpuMmapSize;
    }

    /** As {@link Kvm#checkExtension}, for this machine. */
    public int checkExtension(int capability) {
        return fd.ioctl("KVM_CHECK_EXTENSION", KvmRequests.KVM_CHECK_EXTENSION, capability);
    }

    /**
     * Where Intel processors without unrestricted guest keep a task state segment for real mode:
     * three pages that are no memory of the guest.
     */
    public void setTssAddress(long gpa) {
        fd.ioctl("KVM_SET_TSS_ADDR", KvmRequests.KVM_SET_TSS_ADDR, gpa);
    }

    /** Where the same processors keep a page table for real mode: one page, before any vCPU. */
    public void setIdentityMapAddress(long gpa) {
        try (Arena arena = Arena.ofConfined()) {
            fd.ioctl(
                    "KVM_SET_IDENTITY_MAP_ADDR",
                    KvmRequests.KVM_SET_IDENTITY_MAP_ADDR,
                    arena.allocateFrom(JAVA_LONG, gpa));
        }
    }

    /** Puts both PICs, the IOAPIC and a local APIC per vCPU into the kernel; before any vCPU. */
    public void createIrqchip() {
        fd.ioctl("KVM_CREATE_IRQCHIP", KvmRequests.KVM_CREATE_IRQCHIP, 0);
    }

    /**
     * Replaces all routes from interrupt numbers to controllers and local APICs.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a pin that does not exist
     */
    public void setIrqRoutes(List<? extends IrqRoute> routes) {
        try (Arena arena = Arena.ofConfined()) {
            CountedList list = new CountedList(arena, 8, IrqRouteEntry.SIZE, routes.size());
            for (int i = 0; i < routes.size(); i++) {
                IrqRouteEntry.write(routes.get(i), list.segment(), list.at(i));
            }
            fd.ioctl("KVM_SET_GSI_ROUTING", KvmRequests.KVM_SET_GSI_ROUTING, list.segment());
        }
    }

    /** Puts the interval timer into the kernel; port 0x61 answers, the speaker stays silent. */
    public void createPit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment config = arena.allocate(PIT_CONFIG_SIZE, Long.BYTES);
            config.set(JAVA_INT, 0, KvmConstants.KVM_PIT_SPEAKER_DUMMY);
            fd.ioctl("KVM_CREATE_PIT2", KvmRequests.KVM_CREATE_PIT2, config);
        }
    }

    /**
     * Maps, changes or, with a size of zero, removes a memory slot.
     *
     * @param slot the slot's number, below {@code KVM_CAP_NR_MEMSLOTS}
     * @param flags {@code KVM_MEM_*}
     * @param gpa where the guest sees it, a multiple of the page size
     * @param hva where it lies in this process, a multiple of the page size
     * @param size bytes, a multiple of the page size
     */
    public void setUserMemoryRegion(int slot, int flags, long gpa, long hva, long size) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = arena.allocate(MEMORY_REGION_SIZE, Long.BYTES);
            region.set(JAVA_INT, 0, slot);
            region.set(JAVA_INT, 4, flags);
            region.set(JAVA_LONG, 8, gpa);
            region.set(JAVA_LONG, 16, size);
            region.set(JAVA_LONG, 24, hva);
            fd.ioctl("KVM_SET_USER_MEMORY_REGION", KvmRequests.KVM_SET_USER_MEMORY_REGION, region);
        }
    }

    /**
     * Creates memory that belongs to the machine ({@code KVM_CAP_GUEST_MEMFD}).
     *
     * @param size bytes, a multiple of the page size
     * @param flags {@code GUEST_MEMFD_FLAG_*}; 3, for memory that can be mapped and is shared with
     *     the guest from the start, needs Linux 6.18
     */
    public Fd createGuestMemfd(long size, long flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(GUEST_MEMFD_SIZE, Long.BYTES);
            request.set(JAVA_LONG, 0, size);
            request.set(JAVA_LONG, 8, flags);
            return fd.ioctlForFd(
                    "KVM_CREATE_GUEST_MEMFD", KvmRequests.KVM_CREATE_GUEST_MEMFD, request);
        }
    }

    /**
     * Maps a memory slot whose pages come from guest memory of {@link #createGuestMemfd}, from its
     * first byte on.
     *
     * @param hva where the same memory, or other memory for what the guest shares, is mapped here
     */
    public void setGuestMemfdRegion(int slot, long gpa, long hva, long size, Fd guestMemfd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = arena.allocate(MEMORY_REGION2_SIZE, Long.BYTES);
            region.set(JAVA_INT, 0, slot);
            region.set(JAVA_INT, 4, KvmConstants.KVM_MEM_GUEST_MEMFD);
            region.set(JAVA_LONG, 8, gpa);
            region.set(JAVA_LONG, 16, size);
            region.set(JAVA_LONG, 24, hva);
            region.set(JAVA_LONG, 32, 0);
            region.set(JAVA_INT, 40, guestMemfd.number());
            fd.ioctl(
                    "KVM_SET_USER_MEMORY_REGION2", KvmRequests.KVM_SET_USER_MEMORY_REGION2, region);
        }
    }

    /** The interrupt line with this number, of the controllers in the kernel. */
    public KvmIrqLine irqLine(int gsi) {
        return new KvmIrqLine(fd, gsi);
    }

    /**
     * Sends a message to local APICs, as a PCI device does. Allocates nothing.
     *
     * @param address of the message: {@code 0xFEE00000} and the destination
     * @param data of the message: vector and delivery mode
     * @return whether a local APIC took it: false if the guest has none enabled at the destination
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when local APICs are not in the
     *     kernel
     */
    public boolean signalMsi(long address, int data) {
        try {
            return fd.ioctlOnWords(
                            "KVM_SIGNAL_MSI",
                            KvmRequests.KVM_SIGNAL_MSI,
                            address,
                            Integer.toUnsignedLong(data))
                    > 0;
        } catch (KernelException e) {
            // KVM's -1 for a destination that no local APIC has: the guest's mistake.
            if (Errno.EPERM.is(-e.errno().number())) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Has an eventfd raise an interrupt: each signal of it gives one edge. The kernel keeps the
     * eventfd open until {@link #deassignIrqfd}, or until the machine is closed.
     *
     * @param gsi an interrupt number with a route
     * @throws io.jvmm.ffi.linux.KernelException {@code EBUSY} when the eventfd raises an interrupt
     *     already
     */
    public void assignIrqfd(EventFd trigger, int gsi) {
        irqfd(trigger, gsi, 0, 0);
    }

    /**
     * Has an eventfd raise a level-triggered interrupt: a signal of it raises the line, which stays
     * up until the guest acknowledges the interrupt. Then the line is lowered and {@code resample}
     * signalled, upon which a device that still wants service signals {@code trigger} again.
     *
     * @param resample is signalled when the guest has acknowledged the interrupt
     */
    public void assignIrqfd(EventFd trigger, int gsi, EventFd resample) {
        irqfd(trigger, gsi, KvmConstants.KVM_IRQFD_FLAG_RESAMPLE, resample.fd().number());
    }

    /** Ends what {@link #assignIrqfd} began; nothing is under way when this returns. */
    public void deassignIrqfd(EventFd trigger, int gsi) {
        irqfd(trigger, gsi, KvmConstants.KVM_IRQFD_FLAG_DEASSIGN, 0);
    }

    private void irqfd(EventFd trigger, int gsi, int flags, int resample) {
        fd.ioctlOnWords(
                "KVM_IRQFD",
                KvmRequests.KVM_IRQFD,
                trigger.fd().number() | (long) gsi << Integer.SIZE,
                flags | (long) resample << Integer.SIZE);
    }

    /**
     * Has a write of the guest signal an eventfd, without an exit. The kernel keeps the eventfd
     * open until {@link #deassignIoeventfd}, or until the machine is closed.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EEXIST} when such a write signals an eventfd
     *     already
     */
    public void assignIoeventfd(Ioeventfd write, EventFd signalled) {
        try (Arena arena = Arena.ofConfined()) {
            fd.ioctl(
                    "KVM_IOEVENTFD",
                    KvmRequests.KVM_IOEVENTFD,
                    write.toSegment(arena, signalled, 0));
        }
    }

    /**
     * Ends what {@link #assignIoeventfd} began, with the same arguments.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code ENOENT} when such a write signals nothing
     */
    public void deassignIoeventfd(Ioeventfd write, EventFd signalled) {
        try (Arena arena = Arena.ofConfined()) {
            fd.ioctl(
                    "KVM_IOEVENTFD",
                    KvmRequests.KVM_IOEVENTFD,
                    write.toSegment(arena, signalled, KvmConstants.KVM_IOEVENTFD_FLAG_DEASSIGN));
        }
    }

    /**
     * The state of an interrupt controller.
     *
     * @param chip one of {@code KVM_IRQCHIP_*}
     * @throws io.jvmm.ffi.linux.KernelException {@code ENXIO} when the controllers are not in the
     *     kernel, {@code EINVAL} when there is no such
     */
    public byte[] irqchip(int chip) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(IRQCHIP_SIZE, Long.BYTES);
            state.set(JAVA_INT, IRQCHIP_ID, chip);
            fd.ioctl("KVM_GET_IRQCHIP", KvmRequests.KVM_GET_IRQCHIP, state);
            return state.asSlice(IRQCHIP_CONTENT).toArray(JAVA_BYTE);
        }
    }

    /** Sets the state of an interrupt controller; arguments and errors as for {@link #irqchip}. */
    public void setIrqchip(int chip, byte[] content) {
        Sizes.require("an interrupt controller", content, CONTENT_SIZE);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(IRQCHIP_SIZE, Long.BYTES);
            state.set(JAVA_INT, IRQCHIP_ID, chip);
            MemorySegment.copy(content, 0, state, JAVA_BYTE, IRQCHIP_CONTENT, content.length);
            fd.ioctl("KVM_SET_IRQCHIP", KvmRequests.KVM_SET_IRQCHIP, state);
        }
    }

    /**
     * The state of the timer.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code ENXIO} when there is none in the kernel
     */
    public PitState pit() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(PitState.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_PIT2", KvmRequests.KVM_GET_PIT2, state);
            return PitState.read(state);
        }
    }

    /** Sets the state of the timer, whose periods begin anew; errors as for {@link #pit}. */
    public void setPit(PitState pit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(PitState.SIZE, Long.BYTES);
            pit.write(state);
            fd.ioctl("KVM_SET_PIT2", KvmRequests.KVM_SET_PIT2, state);
        }
    }

    /** The clock that guests read by kvmclock. */
    public ClockData clock() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment clock = arena.allocate(ClockData.SIZE, Long.BYTES);
            fd.ioctl("KVM_GET_CLOCK", KvmRequests.KVM_GET_CLOCK, clock);
            return ClockData.read(clock);
        }
    }

    /**
     * Sets the clock. With {@code KVM_CLOCK_REALTIME} the kernel adds the time that has passed
     * since {@link ClockData#realtime}; the other flags have no effect.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a flag that the kernel does not
     *     know
     */
    public void setClock(ClockData data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment clock = arena.allocate(ClockData.SIZE, Long.BYTES);
            data.write(clock);
            fd.ioctl("KVM_SET_CLOCK", KvmRequests.KVM_SET_CLOCK, clock);
        }
    }

    /**
     * Turns a capability on.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} when this kernel does not know it
     */
    public void enableCapability(int capability, long argument) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cap = arena.allocate(104, Long.BYTES);
            cap.set(JAVA_INT, 0, capability);
            cap.set(JAVA_LONG, 8, argument);
            fd.ioctl("KVM_ENABLE_CAP", KvmRequests.KVM_ENABLE_CAP, cap);
        }
    }

    /**
     * Adds a vCPU, in the state of a processor after reset. Its id is its local APIC's too.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EEXIST} when there is one of that id, {@code
     *     EINVAL} when the host does not take that many
     */
    public KvmVcpu createVcpu(int id) {
        int xsaveSize = checkExtension(KvmConstants.KVM_CAP_XSAVE2);
        return KvmVcpu.own(
                fd.ioctlForFd("KVM_CREATE_VCPU", KvmRequests.KVM_CREATE_VCPU, id),
                vcpuMmapSize,
                xsaveSize);
    }

    @Override
    public void close() {
        fd.close();
    }
}
