// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;

import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

@RequiresKvm
class ExitLoopTest {

    /** Remembers what was written, answers reads by counting, and ends the loop in time. */
    private static final class Recorder implements IoDevice {
        final List<String> seen = new ArrayList<>();
        private long next = 0x41;

        @Override
        public long read(long offset, int size) {
            seen.add("read %d %d".formatted(offset, size));
            return next++;
        }

        @Override
        public void write(long offset, int size, long value) {
            seen.add("write %d %d %x".formatted(offset, size, value));
        }
    }

    @Test
    void portAccessesOfEverySizeReachTheirDevice() {
        byte[] program =
                TinyVm.program(
                        0xBA, 0x00, 0x05, // mov dx, 0x500
                        0x66, 0xB8, 0x78, 0x56, 0x34, 0x12, // mov eax, 0x12345678
                        0xEE, // out dx, al
                        0xEF, // out dx, ax
                        0x66, 0xEF, // out dx, eax
                        0xEC, // in al, dx
                        0xEE, // out dx, al
                        0xF4); // hlt
        try (TinyVm vm = new TinyVm(program)) {
            Recorder device = new Recorder();
            vm.ports.attach(0x500, 4, device, "recorder");
            assertThat(vm.loop.run()).isInstanceOf(VcpuStop.Failed.class);
            assertThat(device.seen)
                    .containsExactly(
                            "write 0 1 78",
                            "write 0 2 5678",
                            "write 0 4 12345678",
                            "read 0 1",
                            "write 0 1 41");
            assertThat(vm.loop.counters().of(KvmConstants.KVM_EXIT_IO)).isEqualTo(5);
        }
    }

    @Test
    void anUnansweredReadIsAllOnes() {
        byte[] program =
                TinyVm.program(
                        0xBA, 0x00, 0x05, // mov dx, 0x500
                        0xED, // in ax, dx
                        0xF4); // hlt
        try (TinyVm vm = new TinyVm(program)) {
            vm.loop.run();
            assertThat(vm.vcpu.regs().rax() & 0xFFFF).isEqualTo(0xFFFF);
            assertThat(vm.ports.unclaimedReads()).isEqualTo(1);
        }
    }

    @Test
    void stringOutputLosesNoByte() {
        byte[] program =
                TinyVm.program(
                        0xBE, 0x00, 0x10, // mov si, 0x1000: the program itself
                        0xBA, 0x00, 0x05, // mov dx, 0x500
                        0xB9, 0x0C, 0x00, // mov cx, 12
                        0xFC, // cld
                        0xF3, 0x6E, // rep outsb
                        0xF4); // hlt
        try (TinyVm vm = new TinyVm(program)) {
            Recorder device = new Recorder();
            vm.ports.attach(0x500, 1, device, "recorder");
            vm.loop.run();
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                expected.add("write 0 1 %x".formatted(program[i] & 0xFF));
            }
            assertThat(device.seen).isEqualTo(expected);
        }
    }

    @Test
    void stringInputFillsMemoryInOrder() {
        byte[] program =
                TinyVm.program(
                        0xBF, 0x00, 0x20, // mov di, 0x2000
                        0xBA, 0x00, 0x05, // mov dx, 0x500
                        0xB9, 0x08, 0x00, // mov cx, 8
                        0xFC, // cld
                        0xF3, 0x6C, // rep insb
                        0xF4); // hlt
        try (TinyVm vm = new TinyVm(program)) {
            vm.ports.attach(0x500, 1, new Recorder(), "recorder");
            vm.loop.run();
            byte[] filled = new byte[8];
            vm.memory.segment().asSlice(0x2000, 8).asByteBuffer().get(filled);
            assertThat(filled)
                    .isEqualTo("ABCDEFGH".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        }
    }

    @Test
    void aHaltWithoutInterruptControllerIsExplained() {
        try (TinyVm vm = new TinyVm(Payload.REAL_HLT)) {
            assertThat(vm.loop.run())
                    .isInstanceOfSatisfying(
                            VcpuStop.Failed.class,
                            failed -> {
                                assertThat(failed.reason()).contains("halted");
                                assertThat(failed.details()).contains("rip 00000000000010");
                            });
        }
    }

    @Test
    void aTripleFaultIsOne() {
        try (PayloadVm vm = new PayloadVm(Payload.END_TRIPLE_FAULT, 1)) {
            assertThat(vm.loops.getFirst().run()).isInstanceOf(VcpuStop.TripleFault.class);
        }
    }

    @Test
    @Tag("host") // the lab's Java has no optimising compiler
    void anExitAllocatesNothing() {
        try (TinyVm vm = new TinyVm(Payload.REAL_PORTS)) {
            Stopper stopper = new Stopper(vm.vcpu.page());
            vm.ports.attach(Payload.TEST_PORT, 1, stopper, "stopper");
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            int exits = 20_000;
            // Until the optimising compiler has been through, errno's capture costs 40 bytes.
            long bytes = Long.MAX_VALUE;
            for (int round = 0; round < 100 && bytes > 1024; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                stopper.left = exits;
                vm.vcpu.page().clearExitRequest();
                assertThat(vm.loop.run()).isInstanceOf(VcpuStop.Kicked.class);
                bytes = threads.getCurrentThreadAllocatedBytes() - before;
            }
            // Some bytes per 20 000 exits are the assertion's; one per exit would be 20 000.
            assertThat(bytes).as("bytes in %d exits", exits).isLessThanOrEqualTo(1024);
        }
    }

    private static final class Stopper implements IoDevice {
        private final KvmRun page;
        private int left;

        Stopper(KvmRun page) {
            this.page = page;
        }

        @Override
        public long read(long offset, int size) {
            return 0;
        }

        @Override
        public void write(long offset, int size, long value) {
            if (--left == 0) {
                page.requestExit();
            }
        }
    }
}
