// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Mapping;

import java.util.ArrayList;
import java.util.List;

/**
 * A guest in ring 3, where every host runs it natively, that goes through pages of a second memory
 * slot: adds up the first word of each and writes into its third, in an order that is a linear
 * congruential sequence. Code and page tables lie in a slot that is always there.
 */
final class Ring3Guest implements AutoCloseable {

    /** Where the paged memory begins. */
    static final long BASE = 64L << 20;

    private static final int CODE = 0x1000;
    private static final int PML4 = 0x2000;
    private static final int PDPT = 0x3000;
    private static final int DIRECTORY = 0x4000;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long LARGE = 1 << 7;
    private static final long IO_PRIVILEGE_3 = 3 << 12;

    private static final int[] PROGRAM = {
        0x48, 0x89, 0xFE, // next: mov rsi, rdi
        0x48, 0xC1, 0xE6, 0x0C, // shl rsi, 12
        0x48, 0x01, 0xDE, // add rsi, rbx
        0x48, 0x03, 0x06, // add rax, [rsi]
        0x48, 0x89, 0x7E, 0x10, // mov [rsi + 16], rdi
        0x49, 0x0F, 0xAF, 0xF8, // imul rdi, r8
        0x4C, 0x01, 0xCF, // add rdi, r9
        0x4C, 0x21, 0xD7, // and rdi, r10
        0x48, 0xFF, 0xC9, // dec rcx
        0x75, 0xE0, // jnz next
        0xE6, 0x10, // out 0x10, al
    };

    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Mapping low = Mapping.anonymous(1 << 20);
    private final List<KvmVcpu> vcpus = new ArrayList<>();

    /** A guest whose paged memory is this mapping, at {@link #BASE}. */
    Ring3Guest(Mapping paged) {
        for (int i = 0; i < PROGRAM.length; i++) {
            low.segment().set(JAVA_BYTE, CODE + i, (byte) PROGRAM[i]);
        }
        low.segment().set(JAVA_LONG, PML4, PDPT | PRESENT_WRITABLE_USER);
        // Two directories, of 1 GiB each, one behind the other.
        for (long i = 0; i < 2; i++) {
            low.segment()
                    .set(
                            JAVA_LONG,
                            PDPT + i * Long.BYTES,
                            DIRECTORY + i * 0x1000 | PRESENT_WRITABLE_USER);
        }
        for (long i = 0; i < 1024; i++) {
            low.segment()
                    .set(
                            JAVA_LONG,
                            DIRECTORY + i * Long.BYTES,
                            i << 21 | PRESENT_WRITABLE_USER | LARGE);
        }
        vm.setUserMemoryRegion(0, 0, 0, low.address(), low.sizeBytes());
        vm.setUserMemoryRegion(1, 0, BASE, paged.address(), paged.sizeBytes());
    }

    /**
     * A vCPU that will visit pages (n * multiplier + addend) modulo a power of two.
     *
     * @param first the number of the page to begin with
     */
    KvmVcpu vcpu(long first, long count, long multiplier, long addend, long pages) {
        KvmVcpu vcpu = vm.createVcpu(vcpus.size());
        vcpus.add(vcpu);
        vcpu.setCpuid(kvm.supportedCpuid());
        vcpu.setSregs(vcpu.sregs().longMode(PML4, new Sregs.DescriptorTable(0, 0), 0x33, 0x2B));
        vcpu.setRegs(
                new Regs(
                        0,
                        BASE,
                        count,
                        0,
                        0,
                        first,
                        0x7000,
                        0,
                        multiplier,
                        addend,
                        pages - 1,
                        0,
                        0,
                        0,
                        0,
                        0,
                        CODE,
                        Regs.RFLAGS_RESERVED | IO_PRIVILEGE_3));
        return vcpu;
    }

    /** Runs a vCPU to its end on the calling thread; 0 if it got there. */
    static long run(KvmVcpu vcpu) {
        int result;
        do {
            result = vcpu.run();
        } while (result == 0 && vcpu.page().exitReason() != KvmConstants.KVM_EXIT_IO);
        return result;
    }

    /** The sum of the first words. */
    static long sum(KvmVcpu vcpu) {
        return vcpu.regs().rax();
    }

    @Override
    public void close() {
        vcpus.forEach(KvmVcpu::close);
        vm.close();
        low.close();
        kvm.close();
    }
}
