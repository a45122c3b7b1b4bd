// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.DebugRegisters;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Xcr;

import java.util.List;

/** The extended state of a vCPU of KVM. On the vCPU's thread only. */
final class VcpuExtendedState implements ExtendedState {

    private static final int XCR0 = 0;
    private static final int MSR_XSS = 0xDA0;

    private final KvmVcpu vcpu;

    VcpuExtendedState(KvmVcpu vcpu) {
        this.vcpu = vcpu;
    }

    @Override
    public byte[] registers() {
        return vcpu.xsave();
    }

    @Override
    public void registers(byte[] image) {
        vcpu.setXsave(image);
    }

    @Override
    public long xcr0() {
        for (Xcr xcr : vcpu.xcrs()) {
            if (xcr.index() == XCR0) {
                return xcr.value();
            }
        }
        return 0;
    }

    @Override
    public void xcr0(long value) {
        vcpu.setXcrs(List.of(new Xcr(XCR0, value)));
    }

    @Override
    public long xss() {
        List<MsrEntry> read = vcpu.msrs(List.of(MSR_XSS));
        return read.isEmpty() ? 0 : read.getFirst().value();
    }

    @Override
    public void raiseDebugStatus(long bits) {
        DebugRegisters r = vcpu.debugRegisters();
        vcpu.setDebugRegisters(
                new DebugRegisters(r.db0(), r.db1(), r.db2(), r.db3(), r.dr6() | bits, r.dr7()));
    }
}
