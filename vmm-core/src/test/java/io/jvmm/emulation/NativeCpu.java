// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.kvm.Xcr;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The processor of this host as a reference: a vCPU in ring 3, which every host runs natively, that
 * goes through a table of cases in its memory.
 *
 * <p>Memory is mapped one to one. The rest of the address space is empty.
 */
final class NativeCpu implements AutoCloseable {

    static final int CASES = 2048;
    static final long FIRST_CASE = 0x20_0000;
    static final long MEMORY = FIRST_CASE + (long) CASES * TestCase.SIZE;

    private static final long CURRENT = 0x1000;
    private static final long END = 0x1008;
    static final long PROGRAM = 0x2000;
    static final long IDT = 0x3000;
    static final long GDT = 0x4000;
    static final long TSS = 0x4100;
    private static final long HANDLERS = 0x5000;
    static final long SUPERVISOR_STACK = 0xA000;
    static final long TABLES = 0x1_0000;
    private static final int DONE_PORT = 0x40;
    private static final int USER_CODE = 0x23;
    private static final int USER_DATA = 0x1B;
    private static final int HANDLER_SIZE = 8;

    /** What became of a case that raised an exception. */
    record Raised(int vector, long errorCode, long address, long rip) {}

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    private final Mapping mapping = Mapping.anonymous(MEMORY);
    final GuestMemory memory = new GuestMemory(List.of(new MemoryRegion(0, mapping.segment())));
    final KvmVcpu vcpu;

    /** The components that are turned on: all. Some hosts do not switch the register. */
    final long xcr0;

    private final Sregs start;
    private long retried;
    private final @Nullable Raised[] exceptions = new @Nullable Raised[CASES];

    NativeCpu() {
        vm.setUserMemoryRegion(0, 0, 0, mapping.address(), mapping.sizeBytes());
        prepare(memory);
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(kvm.supportedCpuid());
        start = start(vcpu.sregs());
        vcpu.setSregs(start);
        xcr0 =
                kvm.supportedCpuid().stream()
                        .filter(leaf -> leaf.function() == 0xD && leaf.index() == 0)
                        .mapToLong(leaf -> Integer.toUnsignedLong(leaf.eax()))
                        .findFirst()
                        .orElseThrow();
        vcpu.setXcrs(List.of(new Xcr(0, xcr0)));
    }

    /** Writes page tables, descriptors and the program. */
    static void prepare(GuestMemory memory) {
        memory.copyIn(PROGRAM, ProgramBytes.program());
        memory.writeU64(TABLES, (TABLES + 0x1000) | 7);
        memory.writeU64(TABLES + 0x1000, (TABLES + 0x2000) | 7);
        for (long at = 0; at < MEMORY; at += 0x20_0000) {
            memory.writeU64(TABLES + 0x2000 + (at >> 21) * 8, at | 0xE7);
        }
        memory.writeU64(GDT + 0x08, 0x00AF_9B00_0000_FFFFL);
        memory.writeU64(GDT + 0x10, 0x00CF_9300_0000_FFFFL);
        memory.writeU64(GDT + 0x18, 0x00CF_F300_0000_FFFFL);
        memory.writeU64(GDT + 0x20, 0x00AF_FB00_0000_FFFFL);
        memory.writeU64(TSS + 4, SUPERVISOR_STACK);
        for (int vector = 0; vector < 32; vector++) {
            long handler = HANDLERS + (long) vector * HANDLER_SIZE;
            // out vector, al; hlt
            memory.writeU32(handler, 0xF4_00E6L | vector << 8);
            memory.writeU64(
                    IDT + vector * 16L,
                    (handler & 0xFFFF) | 0x08L << 16 | 0xEE00L << 32 | (handler >>> 16) << 48);
            memory.writeU64(IDT + vector * 16L + 8, 0);
        }
    }

    static Sregs start(Sregs reset) {
        Segment data = Segment.data(USER_DATA);
        return new Sregs(
                Segment.code64(USER_CODE),
                data,
                data,
                data,
                data,
                data,
                Segment.taskState(0x28, TSS, 0x67),
                reset.ldt(),
                new Sregs.DescriptorTable(GDT, 0x3F),
                new Sregs.DescriptorTable(IDT, 0x1FF),
                Sregs.CR0_PE
                        | Sregs.CR0_MP
                        | Sregs.CR0_ET
                        | Sregs.CR0_NE
                        | Sregs.CR0_WP
                        | Sregs.CR0_PG,
                0,
                TABLES,
                ControlBits.CR4_PAE | ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXSAVE,
                0,
                Sregs.EFER_LME | Sregs.EFER_LMA | ControlBits.EFER_NXE,
                reset.apicBase());
    }

    /** The system registers that cases run with. */
    Sregs system() {
        return start;
    }

    static long address(int index) {
        return FIRST_CASE + (long) index * TestCase.SIZE;
    }

    /** Runs the first {@code count} cases. */
    void run(int count) {
        java.util.Arrays.fill(exceptions, null);
        retried = 0;
        memory.writeU64(CURRENT, address(0));
        memory.writeU64(END, address(count));
        restart();
        while (true) {
            int result = vcpu.run();
            if (result == -4) {
                continue;
            }
            if (result < 0 || vcpu.page().exitReason() != KvmConstants.KVM_EXIT_IO) {
                throw new AssertionError(
                        "result %d, reason %d, at %x"
                                .formatted(result, vcpu.page().exitReason(), vcpu.regs().rip()));
            }
            int port = vcpu.page().ioPort();
            if (port == DONE_PORT) {
                return;
            }
            if (port == GuestFault.INVALID_OPCODE && retry()) {
                restart();
                continue;
            }
            recordException(port);
            long next = memory.readU64(CURRENT) + TestCase.SIZE;
            if (next >= address(count)) {
                return;
            }
            memory.writeU64(CURRENT, next);
            restart();
        }
    }

    /**
     * Whether the case should be tried once more. KVM with shadow paging now and then interprets an
     * instruction of ring 3 (the host took a page away meanwhile), and then lacks it.
     */
    private boolean retry() {
        long now = memory.readU64(CURRENT);
        boolean first = now != retried;
        retried = now;
        return first;
    }

    private void recordException(int vector) {
        int index = (int) ((memory.readU64(CURRENT) - FIRST_CASE) / TestCase.SIZE);
        boolean hasCode = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
        long frame = SUPERVISOR_STACK - (hasCode ? 48 : 40);
        exceptions[index] =
                new Raised(
                        vector,
                        hasCode ? memory.readU64(frame) : 0,
                        vector == 14 ? vcpu.sregs().cr2() : 0,
                        memory.readU64(frame + (hasCode ? 8 : 0)));
    }

    private void restart() {
        // Lets the port access of the last exit become complete, before RIP is set.
        vcpu.page().requestExit();
        vcpu.run();
        vcpu.page().clearExitRequest();
        vcpu.setSregs(start);
        // I/O privilege 3: the program ends by a port access.
        vcpu.setRegs(Regs.atEntry(PROGRAM, 0x8000, 0).withRflags(0x3002));
    }

    /** The exception of a case, or null. */
    @Nullable Raised exception(int index) {
        return exceptions[index];
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        mapping.close();
        kvm.close();
    }
}
