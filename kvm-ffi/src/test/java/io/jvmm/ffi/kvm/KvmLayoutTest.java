// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.kvm.kvm_clock_data;
import io.jvmm.ffi.gen.kvm.kvm_cpuid2;
import io.jvmm.ffi.gen.kvm.kvm_cpuid_entry2;
import io.jvmm.ffi.gen.kvm.kvm_debug_exit_arch;
import io.jvmm.ffi.gen.kvm.kvm_debugregs;
import io.jvmm.ffi.gen.kvm.kvm_device_attr;
import io.jvmm.ffi.gen.kvm.kvm_dtable;
import io.jvmm.ffi.gen.kvm.kvm_guest_debug;
import io.jvmm.ffi.gen.kvm.kvm_ioeventfd;
import io.jvmm.ffi.gen.kvm.kvm_irq_routing_entry;
import io.jvmm.ffi.gen.kvm.kvm_irq_routing_irqchip;
import io.jvmm.ffi.gen.kvm.kvm_irq_routing_msi;
import io.jvmm.ffi.gen.kvm.kvm_irqchip;
import io.jvmm.ffi.gen.kvm.kvm_irqfd;
import io.jvmm.ffi.gen.kvm.kvm_lapic_state;
import io.jvmm.ffi.gen.kvm.kvm_msi;
import io.jvmm.ffi.gen.kvm.kvm_msr_entry;
import io.jvmm.ffi.gen.kvm.kvm_pit_channel_state;
import io.jvmm.ffi.gen.kvm.kvm_pit_state2;
import io.jvmm.ffi.gen.kvm.kvm_regs;
import io.jvmm.ffi.gen.kvm.kvm_run;
import io.jvmm.ffi.gen.kvm.kvm_segment;
import io.jvmm.ffi.gen.kvm.kvm_signal_mask;
import io.jvmm.ffi.gen.kvm.kvm_sregs;
import io.jvmm.ffi.gen.kvm.kvm_sregs2;
import io.jvmm.ffi.gen.kvm.kvm_sync_regs;
import io.jvmm.ffi.gen.kvm.kvm_vcpu_events;
import io.jvmm.ffi.gen.kvm.kvm_xcr;
import io.jvmm.ffi.gen.kvm.kvm_xcrs;
import io.jvmm.ffi.gen.kvm.kvm_xsave;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.stream.Stream;

/** Offsets and sizes written by hand are those of the generated layouts. */
class KvmLayoutTest {

    static Stream<Arguments> offsets() {
        return Stream.of(
                row("immediate_exit", KvmRun.IMMEDIATE_EXIT, kvm_run.immediate_exit$offset()),
                row("exit_reason", KvmRun.EXIT_REASON, kvm_run.exit_reason$offset()),
                row("hw", KvmRun.HARDWARE_EXIT_REASON, kvm_run.hw$offset()),
                row("fail_entry", KvmRun.ENTRY_FAILURE_REASON, kvm_run.fail_entry$offset()),
                row("io", KvmRun.IO_DIRECTION, kvm_run.io$offset()),
                row("io.size", KvmRun.IO_SIZE - 32, kvm_run.io.size$offset()),
                row("io.port", KvmRun.IO_PORT - 32, kvm_run.io.port$offset()),
                row("io.count", KvmRun.IO_COUNT - 32, kvm_run.io.count$offset()),
                row("io.data_offset", KvmRun.IO_DATA_OFFSET - 32, kvm_run.io.data_offset$offset()),
                row("mmio", KvmRun.MMIO_PHYS_ADDR, kvm_run.mmio$offset()),
                row("mmio.data", KvmRun.MMIO_DATA - 32, kvm_run.mmio.data$offset()),
                row("mmio.len", KvmRun.MMIO_LEN - 32, kvm_run.mmio.len$offset()),
                row("mmio.is_write", KvmRun.MMIO_IS_WRITE - 32, kvm_run.mmio.is_write$offset()),
                row("debug", KvmRun.DEBUG_EXCEPTION, kvm_run.debug$offset()),
                row(
                        "debug.dr6",
                        KvmRun.DEBUG_DR6 - KvmRun.DEBUG_EXCEPTION,
                        kvm_debug_exit_arch.dr6$offset()),
                row("internal", KvmRun.INTERNAL_SUBERROR, kvm_run.internal$offset()),
                row("internal.ndata", KvmRun.INTERNAL_NDATA - 32, kvm_run.internal.ndata$offset()),
                row("internal.data", KvmRun.INTERNAL_DATA - 32, kvm_run.internal.data$offset()),
                row("system_event", KvmRun.SYSTEM_EVENT_TYPE, kvm_run.system_event$offset()),
                row("memory_fault", KvmRun.MEMORY_FAULT_FLAGS, kvm_run.memory_fault$offset()),
                row(
                        "memory_fault.gpa",
                        KvmRun.MEMORY_FAULT_GPA - 32,
                        kvm_run.memory_fault.gpa$offset()),
                row(
                        "memory_fault.size",
                        KvmRun.MEMORY_FAULT_SIZE - 32,
                        kvm_run.memory_fault.size$offset()),
                row(
                        "emulation_failure.flags",
                        KvmRun.EMULATION_FLAGS - 32,
                        kvm_run.emulation_failure.flags$offset()),
                row("kvm_valid_regs", KvmRun.VALID_REGS, kvm_run.kvm_valid_regs$offset()),
                row("kvm_dirty_regs", KvmRun.DIRTY_REGS, kvm_run.kvm_dirty_regs$offset()),
                row("s", KvmRun.SYNC_REGS, kvm_run.s$offset()),
                row("s.regs.sregs", SyncRegs.SREGS - SyncRegs.REGS, kvm_sync_regs.sregs$offset()),
                row(
                        "s.regs.events",
                        SyncRegs.EVENTS - SyncRegs.REGS,
                        kvm_sync_regs.events$offset()),
                row("regs", Regs.SIZE, kvm_regs.sizeof()),
                row("regs.rip", 16 * Long.BYTES, kvm_regs.rip$offset()),
                row("regs.rflags", 17 * Long.BYTES, kvm_regs.rflags$offset()),
                row("regs.rsp", 6 * Long.BYTES, kvm_regs.rsp$offset()),
                row("regs.rsi", 4 * Long.BYTES, kvm_regs.rsi$offset()),
                row("segment", Segment.SIZE, kvm_segment.sizeof()),
                row("segment.base", Segment.BASE, kvm_segment.base$offset()),
                row("segment.limit", Segment.LIMIT, kvm_segment.limit$offset()),
                row("segment.selector", Segment.SELECTOR, kvm_segment.selector$offset()),
                row("segment.type", Segment.TYPE, kvm_segment.type$offset()),
                row("segment.present", Segment.PRESENT, kvm_segment.present$offset()),
                row("segment.dpl", Segment.DPL, kvm_segment.dpl$offset()),
                row("segment.db", Segment.DB, kvm_segment.db$offset()),
                row("segment.s", Segment.S, kvm_segment.s$offset()),
                row("segment.l", Segment.L, kvm_segment.l$offset()),
                row("segment.g", Segment.G, kvm_segment.g$offset()),
                row("segment.avl", Segment.AVL, kvm_segment.avl$offset()),
                row("segment.unusable", Segment.UNUSABLE, kvm_segment.unusable$offset()),
                row("dtable.limit", Sregs.TABLE_LIMIT, kvm_dtable.limit$offset()),
                row("sregs", Sregs.SIZE, kvm_sregs.sizeof()),
                row("sregs.cs", Sregs.CS, kvm_sregs.cs$offset()),
                row("sregs.ds", Sregs.DS, kvm_sregs.ds$offset()),
                row("sregs.es", Sregs.ES, kvm_sregs.es$offset()),
                row("sregs.fs", Sregs.FS, kvm_sregs.fs$offset()),
                row("sregs.gs", Sregs.GS, kvm_sregs.gs$offset()),
                row("sregs.ss", Sregs.SS, kvm_sregs.ss$offset()),
                row("sregs.tr", Sregs.TR, kvm_sregs.tr$offset()),
                row("sregs.ldt", Sregs.LDT, kvm_sregs.ldt$offset()),
                row("sregs.gdt", Sregs.GDT, kvm_sregs.gdt$offset()),
                row("sregs.idt", Sregs.IDT, kvm_sregs.idt$offset()),
                row("sregs.cr0", Sregs.CR0, kvm_sregs.cr0$offset()),
                row("sregs.cr2", Sregs.CR2, kvm_sregs.cr2$offset()),
                row("sregs.cr3", Sregs.CR3, kvm_sregs.cr3$offset()),
                row("sregs.cr4", Sregs.CR4, kvm_sregs.cr4$offset()),
                row("sregs.cr8", Sregs.CR8, kvm_sregs.cr8$offset()),
                row("sregs.efer", Sregs.EFER, kvm_sregs.efer$offset()),
                row("sregs.apic_base", Sregs.APIC_BASE, kvm_sregs.apic_base$offset()),
                row("cpuid_entry2", CpuidEntry.SIZE, kvm_cpuid_entry2.sizeof()),
                row("cpuid_entry2.index", CpuidEntry.INDEX, kvm_cpuid_entry2.index$offset()),
                row("cpuid_entry2.flags", CpuidEntry.FLAGS, kvm_cpuid_entry2.flags$offset()),
                row("cpuid_entry2.eax", CpuidEntry.EAX, kvm_cpuid_entry2.eax$offset()),
                row("cpuid_entry2.ebx", CpuidEntry.EBX, kvm_cpuid_entry2.ebx$offset()),
                row("cpuid_entry2.ecx", CpuidEntry.ECX, kvm_cpuid_entry2.ecx$offset()),
                row("cpuid_entry2.edx", CpuidEntry.EDX, kvm_cpuid_entry2.edx$offset()),
                row("irq_routing_entry", IrqRouteEntry.SIZE, kvm_irq_routing_entry.sizeof()),
                row(
                        "irq_routing_entry.type",
                        IrqRouteEntry.TYPE,
                        kvm_irq_routing_entry.type$offset()),
                row("irq_routing_entry.u", IrqRouteEntry.IRQCHIP, kvm_irq_routing_entry.u$offset()),
                row(
                        "irq_routing_irqchip.pin",
                        IrqRouteEntry.PIN - IrqRouteEntry.IRQCHIP,
                        kvm_irq_routing_irqchip.pin$offset()),
                row(
                        "irq_routing_msi.address_hi",
                        IrqRouteEntry.ADDRESS_HIGH - IrqRouteEntry.ADDRESS_LOW,
                        kvm_irq_routing_msi.address_hi$offset()),
                row(
                        "irq_routing_msi.data",
                        IrqRouteEntry.DATA - IrqRouteEntry.ADDRESS_LOW,
                        kvm_irq_routing_msi.data$offset()),
                row("irq_routing_msi", IrqRouteEntry.ADDRESS_LOW, kvm_irq_routing_entry.u$offset()),
                row("ioeventfd", Ioeventfd.SIZE, kvm_ioeventfd.sizeof()),
                row("ioeventfd.datamatch", Ioeventfd.DATA_MATCH, kvm_ioeventfd.datamatch$offset()),
                row("ioeventfd.addr", Ioeventfd.ADDRESS, kvm_ioeventfd.addr$offset()),
                row("ioeventfd.len", Ioeventfd.LENGTH, kvm_ioeventfd.len$offset()),
                row("ioeventfd.fd", Ioeventfd.DESCRIPTOR, kvm_ioeventfd.fd$offset()),
                row("ioeventfd.flags", Ioeventfd.FLAGS, kvm_ioeventfd.flags$offset()),
                // These two are passed as two words of 64 bits.
                row("irqfd", 32, kvm_irqfd.sizeof()),
                row("irqfd.fd", 0, kvm_irqfd.fd$offset()),
                row("irqfd.gsi", 4, kvm_irqfd.gsi$offset()),
                row("irqfd.flags", 8, kvm_irqfd.flags$offset()),
                row("irqfd.resamplefd", 12, kvm_irqfd.resamplefd$offset()),
                row("msi", 32, kvm_msi.sizeof()),
                row("msi.address_lo", 0, kvm_msi.address_lo$offset()),
                row("msi.address_hi", 4, kvm_msi.address_hi$offset()),
                row("msi.data", 8, kvm_msi.data$offset()),
                row("msi.flags", 12, kvm_msi.flags$offset()),
                row("cpuid2.entries", 8, kvm_cpuid2.entries$offset()),
                row("msr_entry", MsrEntry.SIZE, kvm_msr_entry.sizeof()),
                row("msr_entry.data", MsrEntry.DATA, kvm_msr_entry.data$offset()),
                row("sregs2", Sregs2.SIZE, kvm_sregs2.sizeof()),
                row("sregs2.apic_base", Sregs.APIC_BASE, kvm_sregs2.apic_base$offset()),
                row("sregs2.cr0", Sregs.CR0, kvm_sregs2.cr0$offset()),
                row("sregs2.flags", Sregs2.FLAGS, kvm_sregs2.flags$offset()),
                row("sregs2.pdptrs", Sregs2.PDPTRS, kvm_sregs2.pdptrs$offset()),
                row("xsave", KvmVcpu.XSAVE_SIZE, kvm_xsave.sizeof()),
                row("lapic_state", KvmVcpu.LAPIC_SIZE, kvm_lapic_state.sizeof()),
                row("xcr", Xcr.SIZE, kvm_xcr.sizeof()),
                row("xcr.xcr", Xcr.INDEX, kvm_xcr.xcr$offset()),
                row("xcr.value", Xcr.VALUE, kvm_xcr.value$offset()),
                row("xcrs", Xcr.LIST_SIZE, kvm_xcrs.sizeof()),
                row("xcrs.nr_xcrs", Xcr.LIST_COUNT, kvm_xcrs.nr_xcrs$offset()),
                row("xcrs.xcrs", Xcr.LIST_ENTRIES, kvm_xcrs.xcrs$offset()),
                row("guest_debug", GuestDebug.SIZE, kvm_guest_debug.sizeof()),
                row("guest_debug.control", GuestDebug.CONTROL, kvm_guest_debug.control$offset()),
                row("guest_debug.arch", GuestDebug.REGISTERS, kvm_guest_debug.arch$offset()),
                row("debugregs", DebugRegisters.SIZE, kvm_debugregs.sizeof()),
                row("debugregs.db", DebugRegisters.DB, kvm_debugregs.db$offset()),
                row("debugregs.dr6", DebugRegisters.DR6, kvm_debugregs.dr6$offset()),
                row("debugregs.dr7", DebugRegisters.DR7, kvm_debugregs.dr7$offset()),
                row("vcpu_events", VcpuEvents.SIZE, kvm_vcpu_events.sizeof()),
                row(
                        "vcpu_events.exception",
                        VcpuEvents.EXCEPTION,
                        kvm_vcpu_events.exception$offset()),
                row(
                        "vcpu_events.interrupt",
                        VcpuEvents.INTERRUPT,
                        kvm_vcpu_events.interrupt$offset()),
                row("vcpu_events.nmi", VcpuEvents.NMI, kvm_vcpu_events.nmi$offset()),
                row(
                        "vcpu_events.sipi_vector",
                        VcpuEvents.SIPI_VECTOR,
                        kvm_vcpu_events.sipi_vector$offset()),
                row("vcpu_events.flags", VcpuEvents.FLAGS, kvm_vcpu_events.flags$offset()),
                row("vcpu_events.smi", VcpuEvents.SMI, kvm_vcpu_events.smi$offset()),
                row(
                        "vcpu_events.triple_fault",
                        VcpuEvents.TRIPLE_FAULT,
                        kvm_vcpu_events.triple_fault$offset()),
                row(
                        "vcpu_events.exception_has_payload",
                        VcpuEvents.EXCEPTION_HAS_PAYLOAD,
                        kvm_vcpu_events.exception_has_payload$offset()),
                row(
                        "vcpu_events.exception_payload",
                        VcpuEvents.EXCEPTION_PAYLOAD,
                        kvm_vcpu_events.exception_payload$offset()),
                row(
                        "vcpu_events.exception.error_code",
                        VcpuEvents.EXCEPTION_ERROR_CODE,
                        kvm_vcpu_events.exception.error_code$offset()),
                row("vcpu_events.interrupt.shadow", 3, kvm_vcpu_events.interrupt.shadow$offset()),
                row("vcpu_events.nmi.masked", 2, kvm_vcpu_events.nmi.masked$offset()),
                row("vcpu_events.smi.latched_init", 3, kvm_vcpu_events.smi.latched_init$offset()),
                row("clock_data", ClockData.SIZE, kvm_clock_data.sizeof()),
                row("clock_data.clock", ClockData.CLOCK, kvm_clock_data.clock$offset()),
                row("clock_data.flags", ClockData.FLAGS, kvm_clock_data.flags$offset()),
                row("clock_data.realtime", ClockData.REALTIME, kvm_clock_data.realtime$offset()),
                row("clock_data.host_tsc", ClockData.HOST_TSC, kvm_clock_data.host_tsc$offset()),
                row("irqchip", KvmVm.IRQCHIP_SIZE, kvm_irqchip.sizeof()),
                row("irqchip.chip_id", KvmVm.IRQCHIP_ID, kvm_irqchip.chip_id$offset()),
                row("irqchip.chip", KvmVm.IRQCHIP_CONTENT, kvm_irqchip.chip$offset()),
                row("pit_state2", PitState.SIZE, kvm_pit_state2.sizeof()),
                row("pit_state2.flags", PitState.FLAGS, kvm_pit_state2.flags$offset()),
                row("pit_channel_state", PitState.Channel.SIZE, kvm_pit_channel_state.sizeof()),
                row(
                        "pit_channel_state.latched_count",
                        PitState.Channel.LATCHED_COUNT,
                        kvm_pit_channel_state.latched_count$offset()),
                row(
                        "pit_channel_state.count_latched",
                        PitState.Channel.COUNT_LATCHED,
                        kvm_pit_channel_state.count_latched$offset()),
                row(
                        "pit_channel_state.gate",
                        PitState.Channel.GATE,
                        kvm_pit_channel_state.gate$offset()),
                row(
                        "pit_channel_state.count_load_time",
                        PitState.Channel.COUNT_LOAD_TIME,
                        kvm_pit_channel_state.count_load_time$offset()),
                row("device_attr", KvmVcpu.DEVICE_ATTR_SIZE, kvm_device_attr.sizeof()),
                row("device_attr.group", KvmVcpu.ATTR_GROUP, kvm_device_attr.group$offset()),
                row("device_attr.attr", KvmVcpu.ATTR_NUMBER, kvm_device_attr.attr$offset()),
                row("device_attr.addr", KvmVcpu.ATTR_ADDRESS, kvm_device_attr.addr$offset()),
                row("signal_mask.sigset", KvmVcpu.SIGNAL_MASK_SET, kvm_signal_mask.sizeof()));
    }

    private static Arguments row(String what, long ours, long generated) {
        return Arguments.of(what, ours, generated);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("offsets")
    void isTheGeneratedLayouts(String what, long ours, long generated) {
        assertThat(ours).as(what).isEqualTo(generated);
    }
}
