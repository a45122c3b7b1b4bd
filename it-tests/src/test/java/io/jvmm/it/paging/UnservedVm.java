// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.UffdConstants;
import io.jvmm.ffi.uffd.Userfaultfd;

import java.util.Set;

/**
 * A virtual machine with a range of memory that is missing and that nobody serves: a touch is an
 * error of {@code KVM_RUN} ({@code UFFD_FEATURE_SIGBUS}), and whoever runs the vCPU brings the page
 * and goes on.
 *
 * <p>Code, stack and page tables are there from the start, since no host survives a missing page
 * table in this mode. For use by one thread.
 */
final class UnservedVm implements AutoCloseable {

    static final long PAGE = 4096;

    /** Guest-physical and virtual address of the first missing page. */
    static final long MISSING = 1L << 30;

    private static final long LOW_BYTES = 1 << 20;
    private static final int CODE = 0x1000;
    private static final int STACK_END = 0x1000;

    /** Four tables: level 4, level 3, and level 2 of the first and of the second GiB. */
    private static final int TABLES = 0x2000;

    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long LARGE = 1 << 7;
    private static final long LARGE_BYTES = 2 << 20;
    private static final int CODE_SELECTOR = 0x30;
    private static final int DATA_SELECTOR = 0x28;

    /** The privilege that ring 3 needs for ports; ring 0 does not care. */
    private static final long IO_PRIVILEGE_3 = 3 << 12;

    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Mapping low = Mapping.anonymous(LOW_BYTES);
    private final Mapping page = Mapping.anonymous(PAGE);
    private final Mapping missing;
    private final Userfaultfd uffd;
    private final KvmVcpu vcpu;

    /**
     * A machine whose vCPU has not started.
     *
     * @param pages of missing memory, at most 1 GiB
     */
    UnservedVm(int pages) {
        missing = Mapping.anonymous(pages * PAGE);
        vm.setUserMemoryRegion(0, 0, 0, low.address(), LOW_BYTES);
        vm.setUserMemoryRegion(1, 0, MISSING, missing.address(), missing.sizeBytes());
        uffd = Userfaultfd.open(Set.of(Feature.SIGBUS));
        uffd.register(missing.address(), missing.sizeBytes(), Set.of(Tracking.MISSING));
        vcpu = vm.createVcpu(0);
        vcpu.setCpuid(kvm.supportedCpuid());
        mapMemory();
    }

    /** The first two GiB one to one, for both rings, by 2 MiB as far as there is memory. */
    private void mapMemory() {
        long level3 = TABLES + PAGE;
        long first = level3 + PAGE;
        long second = first + PAGE;
        entry(TABLES, 0, level3);
        entry(level3, 0, first);
        entry(level3, 1, second);
        entry(first, 0, LARGE);
        for (long done = 0; done < missing.sizeBytes(); done += LARGE_BYTES) {
            entry(second, (int) (done / LARGE_BYTES), MISSING + done | LARGE);
        }
    }

    private void entry(long table, int index, long value) {
        low.segment().set(JAVA_LONG, table + index * 8L, value | PRESENT_WRITABLE_USER);
    }

    /** Puts a program where {@link #start} will enter it. */
    void load(byte[] program) {
        for (int i = 0; i < program.length; i++) {
            low.segment().set(JAVA_BYTE, CODE + i, program[i]);
        }
    }

    /** Makes the vCPU begin the loaded program in 64-bit mode, with these arguments. */
    void start(int ring, long rcx, long rdx, long rsi) {
        enter(ring, CODE, rcx, rdx, rsi);
    }

    /** Makes the vCPU begin in a missing page, by its number. */
    void startIn(int ring, long pageNumber) {
        enter(ring, MISSING + pageNumber * PAGE, 0, 0, 0);
    }

    private void enter(int ring, long rip, long rcx, long rdx, long rsi) {
        vcpu.setSregs(
                vcpu.sregs()
                        .longMode(
                                TABLES,
                                new Sregs.DescriptorTable(0, 0),
                                CODE_SELECTOR | ring,
                                DATA_SELECTOR | ring));
        long flags = Regs.RFLAGS_RESERVED | IO_PRIVILEGE_3;
        vcpu.setRegs(
                new Regs(
                        0, MISSING, rcx, rdx, rsi, 0, STACK_END, 0, 0, 0, 0, 0, 0, 0, 0, 0, rip,
                        flags));
    }

    /** {@code KVM_RUN}: 0 or {@code -errno}; {@link #exit} tells more. */
    long run() {
        return vcpu.run();
    }

    /** What the kernel says about the last run. */
    KvmRun exit() {
        return vcpu.page();
    }

    Regs regs() {
        return vcpu.regs();
    }

    /**
     * Brings a missing page: zeros but for its first word. Nobody waits, so nobody is woken.
     *
     * @return bytes brought, or {@code -errno} if the page is there already
     */
    long bring(long pageNumber, long firstWord) {
        page.segment().set(JAVA_LONG, 0, firstWord);
        return uffd.tryCopy(
                missing.address() + pageNumber * PAGE,
                page.segment(),
                0,
                PAGE,
                UffdConstants.UFFDIO_COPY_MODE_DONTWAKE);
    }

    /** The first word of a page that has been brought. */
    long firstWord(long pageNumber) {
        return missing.segment().get(JAVA_LONG, pageNumber * PAGE);
    }

    @Override
    public void close() {
        vcpu.close();
        vm.close();
        uffd.close();
        missing.close();
        page.close();
        low.close();
        kvm.close();
    }
}
