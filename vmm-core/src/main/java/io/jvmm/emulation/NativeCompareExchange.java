// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.memory.GuestMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;

/**
 * Compares and exchanges 16 bytes by the processor's own instruction, for machines of several
 * vCPUs: a vCPU in ring 3, which every host runs natively, of a throw-away virtual machine over the
 * same memory. It sees nothing but memory and is made when first asked for, since few guests do.
 *
 * <p>For one thread, and for one memory. Close it after the last exchange, before the memory.
 */
public final class NativeCompareExchange implements WideCompareExchange, AutoCloseable {

    /**
     * Guest-physical address of what the virtual machine needs for itself: below 4 GiB, where no
     * guest has memory.
     */
    private static final long OWN = 0xE000_0000L;

    private static final int PAGE_BYTES = 4096;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long LARGE = 1 << 7;
    private static final int ENTRIES = 512;
    private static final int LARGE_SHIFT = 21;
    private static final int DIRECTORY_SHIFT = 30;
    private static final int DIRECTORIES_SHIFT = 39;

    private static final int CODE_SELECTOR = 0x13;
    private static final int DATA_SELECTOR = 0x1B;
    private static final long RFLAGS_PORTS_FOR_USER = 3L << 12;
    private static final int END_PORT = 0x50;

    /** {@code lock cmpxchg16b [rdi]; out END_PORT, al}. */
    private static final byte[] PROGRAM = {
        (byte) 0xF0, 0x48, 0x0F, (byte) 0xC7, 0x0F, (byte) 0xE6, END_PORT
    };

    /**
     * KVM with shadow paging now and then interprets an instruction of ring 3, when the host has
     * taken a page away meanwhile; the page is there at the next attempt.
     */
    private static final int ATTEMPTS = 100;

    /** Gives another virtual machine the same memory. */
    @FunctionalInterface
    public interface Slots {

        /**
         * Maps all of guest memory into a virtual machine, at its addresses.
         *
         * @return how many slots that took, numbered from 0
         */
        int mapInto(KvmVm vm);
    }

    private final Kvm kvm;
    private final Slots slots;
    private @Nullable Helper helper;

    /**
     * @param kvm stays the caller's
     */
    public NativeCompareExchange(Kvm kvm, Slots slots) {
        this.kvm = kvm;
        this.slots = slots;
    }

    @Override
    public boolean compareExchange(
            GuestMemory memory, long gpa, long[] expected, long[] replacement) {
        MissingPage.require(memory, gpa, 2 * Long.BYTES);
        // Through the gate, which may have to show the page to this process first.
        MemorySegment _ = memory.writable(gpa, 2 * Long.BYTES);
        Helper by = helper;
        if (by == null) {
            by = new Helper(kvm, memory, slots);
            helper = by;
        }
        boolean exchanged = by.compareExchange(memory, gpa, expected, replacement);
        memory.written(gpa, 2 * Long.BYTES);
        return exchanged;
    }

    @Override
    public void close() {
        Helper open = helper;
        helper = null;
        if (open != null) {
            open.close();
        }
    }

    /** The virtual machine. */
    private static final class Helper implements AutoCloseable {

        private final Mapping own;
        private final KvmVm vm;
        private final KvmVcpu vcpu;
        private final long program;

        Helper(Kvm kvm, GuestMemory memory, Slots slots) {
            long memoryEnd = memory.regions().getLast().end();
            long end = Math.max(memoryEnd, OWN + (1L << LARGE_SHIFT));
            int directories = Math.toIntExact(ceil(end, DIRECTORY_SHIFT));
            int tables = Math.toIntExact(ceil(end, DIRECTORIES_SHIFT));
            long bytes = (long) (1 + tables + directories + 1) * PAGE_BYTES;
            own = Mapping.anonymous(bytes);
            KvmVm made = null;
            KvmVcpu madeVcpu = null;
            try {
                program = OWN + writeTables(own.segment(), tables, directories);
                MemorySegment.copy(
                        PROGRAM, 0, own.segment(), JAVA_BYTE, program - OWN, PROGRAM.length);
                made = kvm.createVm();
                Completion.enable(made);
                int slot = slots.mapInto(made);
                made.setUserMemoryRegion(slot, 0, OWN, own.address(), own.sizeBytes());
                vm = made;
                madeVcpu = made.createVcpu(0);
                vcpu = madeVcpu;
                vcpu.setCpuid(kvm.supportedCpuid());
                vcpu.setSregs(
                        vcpu.sregs()
                                .longMode(
                                        OWN,
                                        new Sregs.DescriptorTable(0, 0),
                                        CODE_SELECTOR,
                                        DATA_SELECTOR));
            } catch (RuntimeException | Error e) {
                if (madeVcpu != null) {
                    madeVcpu.close();
                }
                if (made != null) {
                    made.close();
                }
                own.close();
                throw e;
            }
        }

        private static long ceil(long bytes, int shift) {
            return (bytes + (1L << shift) - 1) >>> shift;
        }

        /**
         * Maps every linear address to the same guest-physical one: a root, its tables, their
         * directories of large pages, one behind the other.
         *
         * @return the offset behind them
         */
        private static long writeTables(MemorySegment own, int tables, int directories) {
            long firstTable = PAGE_BYTES;
            long firstDirectory = firstTable + (long) tables * PAGE_BYTES;
            for (int i = 0; i < tables; i++) {
                entry(own, 0, i, OWN + firstTable + (long) i * PAGE_BYTES);
            }
            for (int i = 0; i < directories; i++) {
                long directory = firstDirectory + (long) i * PAGE_BYTES;
                // Tables follow each other, so their entries do, too.
                entry(own, firstTable, i, OWN + directory);
                for (int j = 0; j < ENTRIES; j++) {
                    long page = (long) i << DIRECTORY_SHIFT | (long) j << LARGE_SHIFT;
                    entry(own, directory, j, page | LARGE);
                }
            }
            return firstDirectory + (long) directories * PAGE_BYTES;
        }

        private static void entry(MemorySegment own, long table, int index, long value) {
            own.set(
                    JAVA_LONG_UNALIGNED,
                    table + (long) index * Long.BYTES,
                    value | PRESENT_WRITABLE_USER);
        }

        boolean compareExchange(GuestMemory memory, long gpa, long[] expected, long[] replacement) {
            for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                vcpu.setRegs(
                        new Regs(
                                expected[0],
                                replacement[0],
                                replacement[1],
                                expected[1],
                                0,
                                gpa,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                program,
                                Regs.RFLAGS_RESERVED | RFLAGS_PORTS_FOR_USER));
                if (run(memory, gpa)) {
                    Regs after = vcpu.regs();
                    expected[0] = after.rax();
                    expected[1] = after.rdx();
                    return (after.rflags() & Flags.ZF) != 0;
                }
            }
            throw new Refusal("an atomic access of 16 bytes, which this host interprets in ring 3");
        }

        /**
         * Whether the program came to its end; else it has not done anything.
         *
         * @throws MissingPage the page was dropped meanwhile, and the program has not done anything
         */
        private boolean run(GuestMemory memory, long gpa) {
            int result;
            do {
                result = vcpu.run();
                // A kick, or a fault that KVM leaves to user space. The exchange, once done, is not
                // done again: it is all that the program does before its end.
                if (result < 0 && vcpu.regs().rip() == program) {
                    MissingPage.require(memory, gpa, 2 * Long.BYTES);
                }
            } while (Errno.EINTR.is(result) || Errno.EAGAIN.is(result));
            KernelException.check("KVM_RUN", result);
            return switch (vcpu.page().exitReason()) {
                case KvmConstants.KVM_EXIT_IO -> true;
                case KvmConstants.KVM_EXIT_INTERNAL_ERROR -> false;
                default ->
                        throw new Refusal(
                                "an atomic access of 16 bytes, which ended in exit "
                                        + vcpu.page().exitReason());
            };
        }

        @Override
        public void close() {
            vcpu.close();
            vm.close();
            own.close();
        }
    }
}
