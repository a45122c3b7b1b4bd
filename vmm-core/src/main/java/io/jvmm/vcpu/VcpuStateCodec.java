// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.DebugRegisters;
import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs2;
import io.jvmm.ffi.kvm.VcpuEvents;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.state.Bytes;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Function;

/** How a {@link VcpuState} travels: its parts in their order, lists with their length ahead. */
final class VcpuStateCodec implements StateCodec<VcpuState> {

    private static final int MOST_CPUID_ENTRIES = 256;
    private static final int MOST_XCRS = 16;
    private static final int MOST_MSRS = 4096;

    /** The largest extended state there is, with AMX, has 11 KiB. */
    private static final int LARGEST_XSAVE = 1 << 20;

    @Override
    public String kind() {
        return "vcpu";
    }

    @Override
    public int version() {
        return 1;
    }

    @Override
    public void write(VcpuState state, StateWriter out) {
        out.i32(state.cpuid().size());
        for (CpuidEntry leaf : state.cpuid()) {
            out.i32(leaf.function()).i32(leaf.index()).i32(leaf.flags());
            out.i32(leaf.eax()).i32(leaf.ebx()).i32(leaf.ecx()).i32(leaf.edx());
        }
        out.i32(state.tscKhz());
        out.flag(state.tscOffset().isPresent()).i64(state.tscOffset().orElse(0));
        out.i32(state.mpState());
        VcpuStateRegisters.write(state.events(), out);
        VcpuStateRegisters.write(state.regs(), out);
        VcpuStateRegisters.write(state.sregs(), out);
        out.i32(state.xcrs().size());
        for (Xcr xcr : state.xcrs()) {
            out.i32(xcr.index()).i64(xcr.value());
        }
        out.bytes(state.xsave());
        VcpuStateRegisters.write(state.debugRegisters(), out);
        out.bytes(state.lapic());
        out.i32(state.msrs().size());
        for (MsrEntry msr : state.msrs()) {
            out.i32(msr.index()).i64(msr.value());
        }
        out.i32(state.unreadMsrs().size());
        state.unreadMsrs().forEach(out::i32);
    }

    @Override
    public VcpuState read(int version, StateReader in) {
        List<CpuidEntry> cpuid = list(in, MOST_CPUID_ENTRIES, VcpuStateCodec::leaf);
        int tscKhz = in.i32();
        boolean offsetKnown = in.flag();
        long offset = in.i64();
        int mpState = in.i32();
        VcpuEvents events = VcpuStateRegisters.readEvents(in);
        Regs regs = VcpuStateRegisters.readRegs(in);
        Sregs2 sregs = VcpuStateRegisters.readSregs2(in);
        List<Xcr> xcrs = list(in, MOST_XCRS, r -> new Xcr(r.i32(), r.i64()));
        Bytes xsave = in.bytes(LARGEST_XSAVE);
        DebugRegisters debugRegisters = VcpuStateRegisters.readDebugRegisters(in);
        Bytes lapic = in.bytes(VcpuState.LAPIC_SIZE);
        return new VcpuState(
                cpuid,
                tscKhz,
                offsetKnown ? OptionalLong.of(offset) : OptionalLong.empty(),
                mpState,
                events,
                regs,
                sregs,
                xcrs,
                xsave,
                debugRegisters,
                lapic,
                list(in, MOST_MSRS, r -> new MsrEntry(r.i32(), r.i64())),
                list(in, MOST_MSRS, StateReader::i32));
    }

    private static CpuidEntry leaf(StateReader in) {
        return new CpuidEntry(in.i32(), in.i32(), in.i32(), in.i32(), in.i32(), in.i32(), in.i32());
    }

    private static <T> List<T> list(StateReader in, int limit, Function<StateReader, T> entry) {
        int count = in.count(limit);
        List<T> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(entry.apply(in));
        }
        return entries;
    }
}
