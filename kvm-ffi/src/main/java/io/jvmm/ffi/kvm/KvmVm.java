package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Fd;

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
     * Replaces all wires between interrupt numbers and controllers.
     *
     * @throws io.jvmm.ffi.linux.KernelException {@code EINVAL} for a pin that does not exist
     */
    public void setIrqRoutes(List<IrqRoute> routes) {
        try (Arena arena = Arena.ofConfined()) {
            CountedList list = new CountedList(arena, 8, IrqRoute.SIZE, routes.size());
            for (int i = 0; i < routes.size(); i++) {
                IrqRoute route = routes.get(i);
                long at = list.at(i);
                list.segment().set(JAVA_INT, at + IrqRoute.GSI, route.gsi());
                list.segment()
                        .set(JAVA_INT, at + IrqRoute.TYPE, KvmConstants.KVM_IRQ_ROUTING_IRQCHIP);
                list.segment().set(JAVA_INT, at + IrqRoute.IRQCHIP, route.irqchip());
                list.segment().set(JAVA_INT, at + IrqRoute.PIN, route.pin());
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

    /** The interrupt line with this number, of the controllers in the kernel. */
    public KvmIrqLine irqLine(int gsi) {
        return new KvmIrqLine(fd, gsi);
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
        return KvmVcpu.own(
                fd.ioctlForFd("KVM_CREATE_VCPU", KvmRequests.KVM_CREATE_VCPU, id), vcpuMmapSize);
    }

    @Override
    public void close() {
        fd.close();
    }
}
