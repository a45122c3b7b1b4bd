// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootEntry;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.EntryState;
import io.jvmm.boot.KernelImage;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.guest.Payload;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;
import io.jvmm.vcpu.VcpuSetup;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * The guest of a benchmark, as the C programs have it too: the least virtual machine that runs a
 * payload, with interrupt controllers, 16 MiB of memory and one vCPU.
 */
final class BenchGuest implements AutoCloseable {

    private static final long MEMORY = 16 << 20;

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    final Mapping memory = Mapping.anonymous(MEMORY);
    final KvmVcpu vcpu;

    BenchGuest(Payload payload) {
        vm.setTssAddress(GuestLayout.KVM_TSS);
        vm.setIdentityMapAddress(GuestLayout.KVM_IDENTITY_MAP);
        vm.createIrqchip();
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        GuestMemory guestMemory = new GuestMemory(List.of(new MemoryRegion(0, memory.segment())));
        vcpu = vm.createVcpu(0);
        new VcpuSetup(kvm, 1).prepare(vcpu, 0);
        VcpuSetup.enter(vcpu, load(payload, guestMemory));
    }

    private static EntryState load(Payload payload, GuestMemory memory) {
        return switch (payload.kind()) {
            case REAL_MODE -> {
                memory.copyIn(Payload.REAL_MODE_ENTRY, payload.bytes());
                yield new EntryState.RealMode(0, Payload.REAL_MODE_ENTRY);
            }
            case LONG_ELF -> {
                try (KernelImage kernel =
                        KernelImage.of(payload.id(), MemorySegment.ofArray(payload.bytes()))) {
                    BootConfig config = new BootConfig("", Optional.empty(), BootEntry.ELF64, 1);
                    yield BootLoader.load(memory, kernel, config).entry();
                }
            }
        };
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        memory.close();
        kvm.close();
    }
}
