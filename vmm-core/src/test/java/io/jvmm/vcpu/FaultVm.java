// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.kvm.Regs;
import io.jvmm.ffi.kvm.Sregs;
import io.jvmm.ffi.linux.Mapping;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/**
 * A vCPU in ring 3, where every host lets the processor itself run it, whose page at {@link
 * #MISSING} is not there. It reads a byte of that page, sends it to {@link #PORT}, and spins.
 */
final class FaultVm implements AutoCloseable {

    static final int MISSING = 0x8000;
    static final int PORT = 0x10;
    static final byte VALUE = 0x42;

    /** The processor takes the fault: a signal gets the thread out. */
    static final int[] LOAD = {
        0x8A,
        0x04,
        0x25,
        0x11,
        0x80,
        0x00,
        0x00, // mov al, [0x8011]
        0xE6,
        PORT, // out 0x10, al
        0x48,
        0xFF,
        0xC3, // inc rbx
        0xEB,
        0xFB // jmp to inc
    };

    /**
     * KVM emulates a string instruction and reads guest memory itself: no signal gets the thread
     * out, on any host.
     */
    static final int[] STRING_OUT = {
        0x48,
        0xC7,
        0xC6,
        0x11,
        0x80,
        0x00,
        0x00, // mov rsi, 0x8011
        0x66,
        0xBA,
        PORT,
        0x00, // mov dx, 0x10
        0x6E, // outsb
        0x48,
        0xFF,
        0xC3, // inc rbx
        0xEB,
        0xFB // jmp to inc
    };

    private static final int CODE = 0x1000;
    private static final int PAGE_TABLES = 0x2000;
    private static final int STACK = 0x7000;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long LARGE = 1 << 7;

    final Kvm kvm = Kvm.open();
    final KvmVm vm = kvm.createVm();
    final Mapping memory = Mapping.anonymous(2 << 20);
    final Bus ports = new Bus();
    final KvmVcpu vcpu;
    final ExitLoop loop;
    final MissingPages pages;
    final CountDownLatch wanted = new CountDownLatch(1);

    /** What the guest has sent to its port. */
    final CompletableFuture<Long> sent = new CompletableFuture<>();

    FaultVm(int... program) {
        for (int i = 0; i < program.length; i++) {
            memory.segment().set(JAVA_BYTE, CODE + i, (byte) program[i]);
        }
        long next = PAGE_TABLES;
        for (int level = 0; level < 2; level++) {
            next += MissingPages.PAGE;
            memory.segment().set(JAVA_LONG, next - MissingPages.PAGE, next | PRESENT_WRITABLE_USER);
        }
        memory.segment().set(JAVA_LONG, next, PRESENT_WRITABLE_USER | LARGE);
        pages = new MissingPages(memory, MISSING, MissingPages.PAGE, (_, _) -> wanted.countDown());
        pages.staging().fill(VALUE);
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        vcpu = vm.createVcpu(0);
        enterRing3();
        ports.attach(PORT, 1, new Receiver(), "receiver");
        loop = new ExitLoop(vcpu, ports, new Bus());
    }

    private void enterRing3() {
        vcpu.setCpuid(kvm.supportedCpuid());
        vcpu.setSregs(
                vcpu.sregs().longMode(PAGE_TABLES, new Sregs.DescriptorTable(0, 0), 0x33, 0x2B));
        long mayUsePorts = 3 << 12;
        vcpu.setRegs(Regs.atEntry(CODE, STACK, 0).withRflags(Regs.RFLAGS_RESERVED | mayUsePorts));
    }

    private final class Receiver implements IoDevice {

        @Override
        public long read(long offset, int size) {
            return 0;
        }

        @Override
        public void write(long offset, int size, long value) {
            sent.complete(value);
        }
    }

    /** After its thread has ended. */
    @Override
    public void close() {
        vcpu.close();
        vm.close();
        pages.close();
        memory.close();
        kvm.close();
    }
}
