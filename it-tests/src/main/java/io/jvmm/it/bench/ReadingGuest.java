// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.paging.GuestRange;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.KickStrategy;
import io.jvmm.vcpu.VcpuOptions;
import io.jvmm.vcpu.VcpuPages;
import io.jvmm.vcpu.VcpuPlacement;
import io.jvmm.vcpu.VcpuStop;
import io.jvmm.vcpu.VcpuThread;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * A guest whose vCPUs read a word of each page of their part of a memory, on the product's threads
 * and in its exit loop, so that a page can be brought in any of its ways. Code and page tables are
 * always there; the memory itself comes from whoever makes the guest, in slots from {@link
 * #FIRST_SLOT} on. The C programs have the same guest in {@code paging-guest.h}.
 */
final class ReadingGuest implements AutoCloseable {

    /** Guest-physical address of the memory. */
    static final long BASE = 64L << 20;

    /** What every word of every page must hold, so that it is seen whether all were read. */
    static final long WORD = 0x0101_0101_0101_0101L;

    /** Below it are the guest's own. */
    static final int FIRST_SLOT = 1;

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
    private static final int PORT = 0x10;
    private static final Duration AT_MOST = Duration.ofSeconds(60);

    private static final int[] PROGRAM = {
        0x48, 0x89, 0xFE, // next: mov rsi, rdi
        0x48, 0xC1, 0xE6, 0x0C, // shl rsi, 12
        0x48, 0x01, 0xDE, // add rsi, rbx
        0x48, 0x03, 0x06, // add rax, [rsi]
        0x48, 0xFF, 0xC7, // inc rdi
        0x48, 0xFF, 0xC9, // dec rcx
        0x75, 0xEB, // jnz next
        0xE6, PORT, // out 0x10, al
        0xEB, 0xFE, // jmp .
    };

    private final int ring;
    private final long pages;
    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Kick signal = Kick.install();
    private final Mapping low = Mapping.anonymous(1 << 20);
    private final List<KvmVcpu> vcpus = new ArrayList<>();
    private final CountDownLatch running;
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile @Nullable String trouble;

    /**
     * A guest that has no memory yet.
     *
     * @param ring in which it runs, 0 or 3
     * @param pages of its memory, at most 1 GiB, shared out among the vCPUs
     */
    ReadingGuest(int ring, int vcpuCount, long pages) {
        this.ring = ring;
        this.pages = pages;
        running = new CountDownLatch(vcpuCount);
        for (int i = 0; i < PROGRAM.length; i++) {
            low.segment().set(JAVA_BYTE, CODE + i, (byte) PROGRAM[i]);
        }
        low.segment().set(JAVA_LONG, PML4, PDPT | PRESENT_WRITABLE_USER);
        for (long i = 0; i < DIRECTORIES; i++) {
            entry(PDPT, i, DIRECTORY + i * PAGE);
        }
        for (long i = 0; i < DIRECTORIES * 512L; i++) {
            entry(DIRECTORY, i, i << 21 | LARGE);
        }
        vm.setUserMemoryRegion(0, 0, 0, low.address(), low.sizeBytes());
        for (int i = 0; i < vcpuCount; i++) {
            long first = pages * i / vcpuCount;
            vcpus.add(vcpu(i, first, pages * (i + 1) / vcpuCount - first));
        }
    }

    private void entry(long table, long index, long value) {
        low.segment().set(JAVA_LONG, table + index * Long.BYTES, value | PRESENT_WRITABLE_USER);
    }

    private KvmVcpu vcpu(int number, long first, long count) {
        KvmVcpu vcpu = vm.createVcpu(number);
        vcpu.setCpuid(kvm.supportedCpuid());
        vcpu.setSregs(
                vcpu.sregs()
                        .longMode(
                                PML4,
                                new Sregs.DescriptorTable(0, 0),
                                CODE_SELECTOR | ring,
                                DATA_SELECTOR | ring));
        long flags = Regs.RFLAGS_RESERVED | IO_PRIVILEGE_3;
        vcpu.setRegs(
                new Regs(0, BASE, count, 0, 0, first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CODE, flags));
        return vcpu;
    }

    /** For memory that is put in place slot by slot. */
    KvmVm vm() {
        return vm;
    }

    /** Puts all its memory in one slot. */
    void addMemory(Mapping memory) {
        vm.setUserMemoryRegion(FIRST_SLOT, 0, BASE, memory.address(), memory.sizeBytes());
    }

    /** That memory, for a pager. */
    static GuestRange range(Mapping memory) {
        return new GuestRange(BASE, memory.address(), memory.sizeBytes());
    }

    /**
     * Runs all vCPUs to their ends. Once.
     *
     * @param bringer brings pages to vCPUs that are turned away from them; null if they wait in the
     *     kernel
     * @return nanoseconds until the last has read its last page
     * @throws IllegalStateException one stopped, or has not read what it should
     */
    long run(@Nullable VcpuPages bringer) throws InterruptedException {
        Bus ports = new Bus();
        ports.attach(PORT, 1, new Finish(), "finish");
        VcpuOptions options =
                new VcpuOptions("bench", KickStrategy.IMMEDIATE_EXIT, VcpuPlacement.ANYWHERE);
        List<VcpuThread> threads = new ArrayList<>();
        long nanos;
        try {
            for (int i = 0; i < vcpus.size(); i++) {
                ExitLoop loop = new ExitLoop(vcpus.get(i), ports, new Bus(), null, bringer);
                threads.add(new VcpuThread(i, vcpus.get(i), loop, signal, options, new Trouble()));
            }
            long start = System.nanoTime();
            for (VcpuThread thread : threads) {
                CompletableFuture<Void> _ = thread.resume();
            }
            running.await();
            nanos = System.nanoTime() - start;
        } finally {
            end(threads);
        }
        check();
        return nanos;
    }

    private void end(List<VcpuThread> threads) throws InterruptedException {
        for (VcpuThread thread : threads) {
            CompletableFuture<Void> _ = thread.finish();
        }
        released.countDown();
        for (VcpuThread thread : threads) {
            if (!thread.join(AT_MOST)) {
                throw new IllegalStateException("a vCPU's thread does not end");
            }
        }
    }

    private void check() {
        String told = trouble;
        if (told != null) {
            throw new IllegalStateException(told);
        }
        long sum = 0;
        for (KvmVcpu vcpu : vcpus) {
            sum += vcpu.regs().rax();
        }
        if (sum != pages * WORD) {
            throw new IllegalStateException("the guest has read something else than its memory");
        }
    }

    /** Hears from a vCPU that it has read all, and keeps it from running on. */
    private final class Finish implements IoDevice {

        @Override
        public long read(long offset, int size) {
            return IoDevice.allOnes(size);
        }

        @Override
        public void write(long offset, int size, long value) {
            running.countDown();
            try {
                released.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private final class Trouble implements VcpuThread.Listener {

        @Override
        public void stopped(int index, VcpuStop stop) {
            failed("vCPU %d stopped: %s".formatted(index, stop));
        }

        @Override
        public void died(int index, Throwable cause) {
            failed("vCPU %d died: %s".formatted(index, cause));
        }

        private void failed(String why) {
            trouble = why;
            while (running.getCount() > 0) {
                running.countDown();
            }
        }
    }

    @Override
    public void close() {
        vcpus.forEach(KvmVcpu::close);
        vm.close();
        low.close();
        signal.close();
        kvm.close();
    }
}
