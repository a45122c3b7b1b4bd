package io.jvmm.it.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Segment;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Mapping;

import java.util.ArrayList;
import java.util.List;

/**
 * The guest of {@code paging.c}, once more: each vCPU reads a word of each page of its part of a
 * memory that is not there yet. Code and page tables are.
 */
final class PagingGuest implements AutoCloseable {

    /** Guest-physical address of the memory. */
    static final long BASE = 64L << 20;

    private static final long PAGE = 4096;
    private static final int CODE = 0x1000;
    private static final int PML4 = 0x3000;
    private static final int PDPT = 0x4000;
    private static final int DIRECTORY = 0x5000;
    private static final int DIRECTORIES = 2;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long LARGE = 1 << 7;
    private static final long IO_PRIVILEGE_3 = 3 << 12;
    private static final int CODE_SELECTOR = 0x30;
    private static final int DATA_SELECTOR = 0x28;

    private static final int[] PROGRAM = {
        0x48, 0x89, 0xFE, // next: mov rsi, rdi
        0x48, 0xC1, 0xE6, 0x0C, // shl rsi, 12
        0x48, 0x01, 0xDE, // add rsi, rbx
        0x48, 0x03, 0x06, // add rax, [rsi]
        0x48, 0xFF, 0xC7, // inc rdi
        0x48, 0xFF, 0xC9, // dec rcx
        0x75, 0xEB, // jnz next
        0xE6, 0x10, // out 0x10, al
    };

    private final int ring;
    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Mapping low = Mapping.anonymous(1 << 20);
    private final List<KvmVcpu> vcpus = new ArrayList<>();

    /**
     * A guest that is ready to run.
     *
     * @param ring in which it runs, 0 or 3
     * @param memory at most 1 GiB
     */
    PagingGuest(int ring, int vcpuCount, Mapping memory) {
        this.ring = ring;
        for (int i = 0; i < PROGRAM.length; i++) {
            low.segment().set(JAVA_BYTE, CODE + i, (byte) PROGRAM[i]);
        }
        low.segment().set(JAVA_LONG, PML4, PDPT | PRESENT_WRITABLE_USER);
        for (long i = 0; i < DIRECTORIES; i++) {
            low.segment()
                    .set(
                            JAVA_LONG,
                            PDPT + i * Long.BYTES,
                            DIRECTORY + i * PAGE | PRESENT_WRITABLE_USER);
        }
        for (long i = 0; i < DIRECTORIES * 512L; i++) {
            low.segment()
                    .set(
                            JAVA_LONG,
                            DIRECTORY + i * Long.BYTES,
                            i << 21 | PRESENT_WRITABLE_USER | LARGE);
        }
        vm.setUserMemoryRegion(0, 0, 0, low.address(), low.sizeBytes());
        vm.setUserMemoryRegion(1, 0, BASE, memory.address(), memory.sizeBytes());
        long pages = memory.sizeBytes() / PAGE;
        for (int i = 0; i < vcpuCount; i++) {
            long first = pages * i / vcpuCount;
            vcpus.add(vcpu(i, first, pages * (i + 1) / vcpuCount - first));
        }
    }

    private KvmVcpu vcpu(int number, long first, long count) {
        KvmVcpu vcpu = vm.createVcpu(number);
        vcpu.setCpuid(kvm.supportedCpuid());
        Sregs flat =
                vcpu.sregs()
                        .longMode(
                                PML4,
                                new Sregs.DescriptorTable(0, 0),
                                CODE_SELECTOR | ring,
                                DATA_SELECTOR | ring);
        Segment data = inRing(flat.ds());
        vcpu.setSregs(
                new Sregs(
                        inRing(flat.cs()),
                        data,
                        data,
                        data,
                        data,
                        data,
                        flat.tr(),
                        flat.ldt(),
                        flat.gdt(),
                        flat.idt(),
                        flat.cr0(),
                        flat.cr2(),
                        flat.cr3(),
                        flat.cr4(),
                        flat.cr8(),
                        flat.efer(),
                        flat.apicBase()));
        long flags = Regs.RFLAGS_RESERVED | IO_PRIVILEGE_3;
        vcpu.setRegs(
                new Regs(0, BASE, count, 0, 0, first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CODE, flags));
        return vcpu;
    }

    private Segment inRing(Segment s) {
        return new Segment(
                s.base(),
                s.limit(),
                s.selector(),
                s.type(),
                s.present(),
                ring,
                s.db(),
                s.s(),
                s.l(),
                s.g(),
                s.avl(),
                s.unusable());
    }

    /** Runs all vCPUs to their ends, each on a thread of its own. */
    void run() throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (KvmVcpu vcpu : vcpus) {
            threads.add(Thread.ofPlatform().start(() -> run(vcpu)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static void run(KvmVcpu vcpu) {
        int result;
        do {
            result = vcpu.run();
        } while (result == 0 && vcpu.page().exitReason() == KvmConstants.KVM_EXIT_INTR);
        if (result != 0 || vcpu.page().exitReason() != KvmConstants.KVM_EXIT_IO) {
            throw new IllegalStateException(
                    "the guest did not end: %d, exit reason %d"
                            .formatted(result, vcpu.page().exitReason()));
        }
    }

    @Override
    public void close() {
        vcpus.forEach(KvmVcpu::close);
        vm.close();
        low.close();
        kvm.close();
    }
}
