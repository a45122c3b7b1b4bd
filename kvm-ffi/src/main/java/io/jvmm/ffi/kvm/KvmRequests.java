// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static io.jvmm.ffi.linux.Ioctl.io;
import static io.jvmm.ffi.linux.Ioctl.ior;
import static io.jvmm.ffi.linux.Ioctl.iow;
import static io.jvmm.ffi.linux.Ioctl.iowr;

/**
 * Request numbers of KVM's ioctls. The header defines them by function-like macros, which jextract
 * cannot see, so they are computed here from the same parts; a test compares each with what the C
 * compiler makes of the header.
 */
final class KvmRequests {

    private static final int KVMIO = 0xAE;

    // On /dev/kvm.
    static final long KVM_GET_API_VERSION = io(KVMIO, 0x00);
    static final long KVM_CREATE_VM = io(KVMIO, 0x01);
    static final long KVM_GET_MSR_INDEX_LIST = iowr(KVMIO, 0x02, 4);
    static final long KVM_CHECK_EXTENSION = io(KVMIO, 0x03);
    static final long KVM_GET_VCPU_MMAP_SIZE = io(KVMIO, 0x04);
    static final long KVM_GET_SUPPORTED_CPUID = iowr(KVMIO, 0x05, 8);

    // On a virtual machine.
    static final long KVM_CREATE_VCPU = io(KVMIO, 0x41);
    static final long KVM_SET_USER_MEMORY_REGION = iow(KVMIO, 0x46, 32);
    static final long KVM_SET_USER_MEMORY_REGION2 = iow(KVMIO, 0x49, KvmVm.MEMORY_REGION2_SIZE);
    static final long KVM_SET_TSS_ADDR = io(KVMIO, 0x47);
    static final long KVM_SET_IDENTITY_MAP_ADDR = iow(KVMIO, 0x48, 8);
    static final long KVM_CREATE_IRQCHIP = io(KVMIO, 0x60);
    static final long KVM_IRQ_LINE = iow(KVMIO, 0x61, 8);
    static final long KVM_SET_GSI_ROUTING = iow(KVMIO, 0x6A, 8);
    static final long KVM_GET_IRQCHIP = iowr(KVMIO, 0x62, KvmVm.IRQCHIP_SIZE);
    static final long KVM_SET_IRQCHIP = ior(KVMIO, 0x63, KvmVm.IRQCHIP_SIZE);
    static final long KVM_IRQFD = iow(KVMIO, 0x76, 32);
    static final long KVM_CREATE_PIT2 = iow(KVMIO, 0x77, 64);
    static final long KVM_IOEVENTFD = iow(KVMIO, 0x79, Ioeventfd.SIZE);
    static final long KVM_SET_CLOCK = iow(KVMIO, 0x7B, ClockData.SIZE);
    static final long KVM_GET_CLOCK = ior(KVMIO, 0x7C, ClockData.SIZE);
    static final long KVM_GET_PIT2 = ior(KVMIO, 0x9F, PitState.SIZE);
    static final long KVM_SET_PIT2 = iow(KVMIO, 0xA0, PitState.SIZE);
    static final long KVM_ENABLE_CAP = iow(KVMIO, 0xA3, 104);
    static final long KVM_SIGNAL_MSI = iow(KVMIO, 0xA5, 32);
    static final long KVM_CREATE_GUEST_MEMFD = iowr(KVMIO, 0xD4, KvmVm.GUEST_MEMFD_SIZE);

    // On a vCPU.
    static final long KVM_RUN = io(KVMIO, 0x80);
    static final long KVM_GET_REGS = ior(KVMIO, 0x81, Regs.SIZE);
    static final long KVM_SET_REGS = iow(KVMIO, 0x82, Regs.SIZE);
    static final long KVM_GET_SREGS = ior(KVMIO, 0x83, Sregs.SIZE);
    static final long KVM_SET_SREGS = iow(KVMIO, 0x84, Sregs.SIZE);
    static final long KVM_TRANSLATE = iowr(KVMIO, 0x85, KvmVcpu.TRANSLATION_SIZE);
    static final long KVM_GET_MSRS = iowr(KVMIO, 0x88, 8);
    static final long KVM_SET_MSRS = iow(KVMIO, 0x89, 8);
    static final long KVM_SET_SIGNAL_MASK = iow(KVMIO, 0x8B, 4);
    static final long KVM_GET_LAPIC = ior(KVMIO, 0x8E, KvmVcpu.LAPIC_SIZE);
    static final long KVM_SET_LAPIC = iow(KVMIO, 0x8F, KvmVcpu.LAPIC_SIZE);
    static final long KVM_SET_CPUID2 = iow(KVMIO, 0x90, 8);
    static final long KVM_GET_CPUID2 = iowr(KVMIO, 0x91, 8);
    static final long KVM_GET_MP_STATE = ior(KVMIO, 0x98, 4);
    static final long KVM_SET_MP_STATE = iow(KVMIO, 0x99, 4);
    static final long KVM_GET_VCPU_EVENTS = ior(KVMIO, 0x9F, VcpuEvents.SIZE);
    static final long KVM_SET_VCPU_EVENTS = iow(KVMIO, 0xA0, VcpuEvents.SIZE);
    static final long KVM_SET_GUEST_DEBUG = iow(KVMIO, 0x9B, GuestDebug.SIZE);
    static final long KVM_GET_DEBUGREGS = ior(KVMIO, 0xA1, DebugRegisters.SIZE);
    static final long KVM_SET_DEBUGREGS = iow(KVMIO, 0xA2, DebugRegisters.SIZE);
    static final long KVM_SET_TSC_KHZ = io(KVMIO, 0xA2);
    static final long KVM_GET_TSC_KHZ = io(KVMIO, 0xA3);
    static final long KVM_GET_XSAVE = ior(KVMIO, 0xA4, KvmVcpu.XSAVE_SIZE);
    static final long KVM_SET_XSAVE = iow(KVMIO, 0xA5, KvmVcpu.XSAVE_SIZE);
    static final long KVM_GET_XCRS = ior(KVMIO, 0xA6, Xcr.LIST_SIZE);
    static final long KVM_SET_XCRS = iow(KVMIO, 0xA7, Xcr.LIST_SIZE);
    static final long KVM_KVMCLOCK_CTRL = io(KVMIO, 0xAD);
    static final long KVM_GET_SREGS2 = ior(KVMIO, 0xCC, Sregs2.SIZE);
    static final long KVM_SET_SREGS2 = iow(KVMIO, 0xCD, Sregs2.SIZE);
    static final long KVM_GET_XSAVE2 = ior(KVMIO, 0xCF, KvmVcpu.XSAVE_SIZE);

    // On whatever has attributes: here, a vCPU.
    static final long KVM_SET_DEVICE_ATTR = iow(KVMIO, 0xE1, KvmVcpu.DEVICE_ATTR_SIZE);
    static final long KVM_GET_DEVICE_ATTR = iow(KVMIO, 0xE2, KvmVcpu.DEVICE_ATTR_SIZE);
    static final long KVM_HAS_DEVICE_ATTR = iow(KVMIO, 0xE3, KvmVcpu.DEVICE_ATTR_SIZE);

    private KvmRequests() {}
}
