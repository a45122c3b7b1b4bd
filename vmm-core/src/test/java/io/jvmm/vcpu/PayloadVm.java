// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootEntry;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.KernelImage;
import io.jvmm.bus.Bus;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.guest.Payload;
import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A machine of some vCPUs that boots a long-mode payload, with interrupt controllers. */
final class PayloadVm implements AutoCloseable {

    private static final long MEMORY = 64 << 20;

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    final Mapping memory = Mapping.anonymous(MEMORY);
    final Bus ports = new Bus();
    final Bus mmio = new Bus();
    final List<KvmVcpu> vcpus = new ArrayList<>();
    final List<ExitLoop> loops = new ArrayList<>();

    PayloadVm(Payload payload, int cpus) {
        vm.setTssAddress(GuestLayout.KVM_TSS);
        vm.setIdentityMapAddress(GuestLayout.KVM_IDENTITY_MAP);
        vm.createIrqchip();
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        VcpuSetup setup = new VcpuSetup(kvm, cpus);
        for (int index = 0; index < cpus; index++) {
            KvmVcpu vcpu = vm.createVcpu(index);
            setup.prepare(vcpu, index);
            vcpus.add(vcpu);
            loops.add(new ExitLoop(vcpu, ports, mmio));
        }
        GuestMemory guest = new GuestMemory(List.of(new MemoryRegion(0, memory.segment())));
        try (KernelImage kernel =
                KernelImage.of(payload.id(), MemorySegment.ofArray(payload.bytes()))) {
            BootConfig config = new BootConfig("", Optional.empty(), BootEntry.ELF64, cpus);
            VcpuSetup.enter(vcpus.getFirst(), BootLoader.load(guest, kernel, config).entry());
        }
    }

    @Override
    public void close() {
        vcpus.forEach(KvmVcpu::close);
        vm.close();
        memory.close();
        kvm.close();
    }
}
