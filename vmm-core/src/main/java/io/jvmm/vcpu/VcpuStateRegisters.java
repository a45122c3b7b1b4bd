// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.ffi.kvm.DebugRegisters;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.Sregs.DescriptorTable;
import io.jvmm.ffi.kvm.Sregs2;
import io.jvmm.ffi.kvm.VcpuEvents;
import io.jvmm.state.StateReader;
import io.jvmm.state.StateWriter;

/** How the registers in a {@link VcpuState} travel: values in the order of their records. */
final class VcpuStateRegisters {

    private VcpuStateRegisters() {}

    static void write(Regs r, StateWriter out) {
        out.i64(r.rax()).i64(r.rbx()).i64(r.rcx()).i64(r.rdx());
        out.i64(r.rsi()).i64(r.rdi()).i64(r.rsp()).i64(r.rbp());
        out.i64(r.r8()).i64(r.r9()).i64(r.r10()).i64(r.r11());
        out.i64(r.r12()).i64(r.r13()).i64(r.r14()).i64(r.r15());
        out.i64(r.rip()).i64(r.rflags());
    }

    static Regs readRegs(StateReader in) {
        return new Regs(
                in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(),
                in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64(),
                in.i64(), in.i64());
    }

    static void write(Sregs2 registers, StateWriter out) {
        Sregs s = registers.sregs();
        write(s.cs(), out);
        write(s.ds(), out);
        write(s.es(), out);
        write(s.fs(), out);
        write(s.gs(), out);
        write(s.ss(), out);
        write(s.tr(), out);
        write(s.ldt(), out);
        out.i64(s.gdt().base()).u16(s.gdt().limit());
        out.i64(s.idt().base()).u16(s.idt().limit());
        out.i64(s.cr0()).i64(s.cr2()).i64(s.cr3()).i64(s.cr4()).i64(s.cr8());
        out.i64(s.efer()).i64(s.apicBase());
        out.flag(registers.pdptrsValid());
        out.i64(registers.pdptr0()).i64(registers.pdptr1());
        out.i64(registers.pdptr2()).i64(registers.pdptr3());
    }

    static Sregs2 readSregs2(StateReader in) {
        Sregs sregs =
                new Sregs(
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        readSegment(in),
                        new DescriptorTable(in.i64(), in.u16()),
                        new DescriptorTable(in.i64(), in.u16()),
                        in.i64(),
                        in.i64(),
                        in.i64(),
                        in.i64(),
                        in.i64(),
                        in.i64(),
                        in.i64());
        return new Sregs2(sregs, in.flag(), in.i64(), in.i64(), in.i64(), in.i64());
    }

    private static void write(Segment s, StateWriter out) {
        out.i64(s.base()).i32(s.limit()).u16(s.selector());
        out.u8(s.type()).u8(s.present()).u8(s.dpl()).u8(s.db());
        out.u8(s.s()).u8(s.l()).u8(s.g()).u8(s.avl()).u8(s.unusable());
    }

    private static Segment readSegment(StateReader in) {
        return new Segment(
                in.i64(), in.i32(), in.u16(), in.u8(), in.u8(), in.u8(), in.u8(), in.u8(), in.u8(),
                in.u8(), in.u8(), in.u8());
    }

    static void write(DebugRegisters r, StateWriter out) {
        out.i64(r.db0()).i64(r.db1()).i64(r.db2()).i64(r.db3()).i64(r.dr6()).i64(r.dr7());
    }

    static DebugRegisters readDebugRegisters(StateReader in) {
        return new DebugRegisters(in.i64(), in.i64(), in.i64(), in.i64(), in.i64(), in.i64());
    }

    static void write(VcpuEvents events, StateWriter out) {
        VcpuEvents.PendingException e = events.exception();
        out.flag(e.injected()).u8(e.number()).flag(e.hasErrorCode()).flag(e.pending());
        out.i32(e.errorCode()).flag(e.hasPayload()).i64(e.payload());
        VcpuEvents.Interrupt i = events.interrupt();
        out.flag(i.injected()).u8(i.vector()).flag(i.soft()).u8(i.shadow());
        VcpuEvents.Nmi n = events.nmi();
        out.flag(n.injected()).u8(n.pending()).flag(n.masked());
        VcpuEvents.Smi s = events.smi();
        out.flag(s.active()).flag(s.pending()).flag(s.insideNmi()).flag(s.latchedInit());
        out.i32(events.sipiVector()).i32(events.flags()).flag(events.tripleFaultPending());
    }

    static VcpuEvents readEvents(StateReader in) {
        return new VcpuEvents(
                new VcpuEvents.PendingException(
                        in.flag(), in.u8(), in.flag(), in.flag(), in.i32(), in.flag(), in.i64()),
                new VcpuEvents.Interrupt(in.flag(), in.u8(), in.flag(), in.u8()),
                new VcpuEvents.Nmi(in.flag(), in.u8(), in.flag()),
                new VcpuEvents.Smi(in.flag(), in.flag(), in.flag(), in.flag()),
                in.i32(),
                in.i32(),
                in.flag());
    }
}
