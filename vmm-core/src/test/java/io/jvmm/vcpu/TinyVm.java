// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.boot.EntryState;
import io.jvmm.bus.Bus;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.guest.Payload;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.util.List;

/** The least machine there is: 1 MiB, one vCPU in real mode, two empty buses. */
final class TinyVm implements AutoCloseable {

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    final Mapping memory = Mapping.anonymous(1 << 20);
    final Bus ports = new Bus();
    final Bus mmio = new Bus();
    final KvmVcpu vcpu;
    final ExitLoop loop;

    /** A guest of one payload, which must be a real-mode one. */
    TinyVm(Payload payload) {
        this(payload.bytes());
    }

    /** A guest of some bytes, entered at the first. */
    TinyVm(byte[] program) {
        GuestMemory guest = new GuestMemory(List.of(new MemoryRegion(0, memory.segment())));
        guest.copyIn(Payload.REAL_MODE_ENTRY, program);
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        vcpu = vm.createVcpu(0);
        VcpuSetup.enter(vcpu, new EntryState.RealMode(0, Payload.REAL_MODE_ENTRY));
        loop = new ExitLoop(vcpu, ports, mmio);
    }

    static byte[] program(int... bytes) {
        byte[] program = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            program[i] = (byte) bytes[i];
        }
        return program;
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        memory.close();
        kvm.close();
    }
}
