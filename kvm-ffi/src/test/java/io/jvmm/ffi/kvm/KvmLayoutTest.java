package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.kvm.kvm_cpuid2;
import io.jvmm.ffi.gen.kvm.kvm_cpuid_entry2;
import io.jvmm.ffi.gen.kvm.kvm_dtable;
import io.jvmm.ffi.gen.kvm.kvm_irq_routing_entry;
import io.jvmm.ffi.gen.kvm.kvm_irq_routing_irqchip;
import io.jvmm.ffi.gen.kvm.kvm_msr_entry;
import io.jvmm.ffi.gen.kvm.kvm_regs;
import io.jvmm.ffi.gen.kvm.kvm_run;
import io.jvmm.ffi.gen.kvm.kvm_segment;
import io.jvmm.ffi.gen.kvm.kvm_sregs;

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
                row("irq_routing_entry", IrqRoute.SIZE, kvm_irq_routing_entry.sizeof()),
                row("irq_routing_entry.type", IrqRoute.TYPE, kvm_irq_routing_entry.type$offset()),
                row("irq_routing_entry.u", IrqRoute.IRQCHIP, kvm_irq_routing_entry.u$offset()),
                row(
                        "irq_routing_irqchip.pin",
                        IrqRoute.PIN - IrqRoute.IRQCHIP,
                        kvm_irq_routing_irqchip.pin$offset()),
                row("cpuid2.entries", 8, kvm_cpuid2.entries$offset()),
                row("msr_entry", MsrEntry.SIZE, kvm_msr_entry.sizeof()),
                row("msr_entry.data", MsrEntry.DATA, kvm_msr_entry.data$offset()));
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
