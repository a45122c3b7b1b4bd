// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.testing.Repetitions;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadEcho;
import io.jvmm.state.Saved;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/**
 * A guest that is saved in the middle of its work goes on in another machine: it computes with
 * integers, SSE, x87 and AVX, halts, talks to devices, takes timer interrupts and checks its
 * memory, and finds nothing changed.
 */
@RequiresKvm
@Timeout(240)
class VcpuStateMoveTest {

    private static final int[] ROLES = {0, 1, 2, 3, 4, 5, 6};
    private static final int MOVES = Repetitions.of(8);
    private static final long ROUNDS_BETWEEN = 1;
    private static final int CHIPS = 3;
    private static final VcpuOptions OPTIONS =
            new VcpuOptions("move", KickStrategy.IMMEDIATE_EXIT, VcpuPlacement.ANYWHERE);

    private final Queue<String> stops = new ConcurrentLinkedQueue<>();

    private final VcpuThread.Listener listener =
            new VcpuThread.Listener() {
                @Override
                public void stopped(int index, VcpuStop stop) {
                    stops.add("vCPU %d: %s".formatted(index, stop));
                }

                @Override
                public void died(int index, Throwable cause) {
                    stops.add("vCPU %d: %s".formatted(index, cause));
                }
            };

    @Test
    void aGuestGoesOnInOneMachineAfterTheOther() throws Exception {
        try (Kick kick = Kick.install()) {
            PayloadVm vm = new PayloadVm(Payload.STRESS, ROLES.length);
            try {
                // The devices stay where they are; the next machines only find the way to them.
                StressGuest guest = new StressGuest(vm, ROLES);
                Bus ports = vm.ports;
                Bus mmio = vm.mmio;
                List<Saved> state = run(vm, kick, guest);
                for (int move = 0; move < MOVES; move++) {
                    PayloadVm next = new PayloadVm(Payload.STRESS, ROLES.length);
                    next.ports.attach(0, 1 << 16, forwardingTo(ports, 0), "ports");
                    long length = (long) PayloadEcho.MMIO_PER_WORKER * ROLES.length;
                    next.mmio.attach(
                            PayloadEcho.MMIO, length, forwardingTo(mmio, PayloadEcho.MMIO), "mmio");
                    next.memory.segment().copyFrom(vm.memory.segment());
                    long clock = vm.vm.clock().nanoseconds();
                    List<byte[]> chips = chipsOf(vm.vm);
                    vm.close();
                    vm = next;
                    apply(state, chips, clock, vm);
                    state = run(vm, kick, guest);
                }
            } finally {
                vm.close();
            }
        }
    }

    @Test
    void aVectorRegisterMovesInTheMiddleOfTheProgramThatUsesIt() {
        int source = 0x40;
        int target = 0x60;
        byte[] code =
                TinyVm.program(
                        0x0F, 0x20, 0xE0, // mov eax, cr4
                        0x66, 0x0D, 0x00, 0x02, 0x00, 0x00, // or eax, OSFXSR
                        0x0F, 0x22, 0xE0, // mov cr4, eax
                        0xF3, 0x0F, 0x6F, 0x1E, source, 0x10, // movdqu xmm3, [source]
                        0xE6, 0x10, // out 0x10, al
                        0xF3, 0x0F, 0x7F, 0x1E, target, 0x10, // movdqu [target], xmm3
                        0xF4); // hlt
        byte[] pattern = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
        byte[] program = Arrays.copyOf(code, 0x80);
        System.arraycopy(pattern, 0, program, source, pattern.length);
        try (TinyVm one = new TinyVm(program);
                TinyVm other = new TinyVm(Payload.REAL_HLT)) {
            one.ports.attach(0x10, 1, exitRequest(one), "exit request");
            assertThat(one.loop.run()).isInstanceOf(VcpuStop.Kicked.class);

            other.memory.segment().copyFrom(one.memory.segment());
            VcpuState.capture(one.vcpu, one.kvm.msrIndices()).apply(other.vcpu);
            assertThat(other.loop.run()).isInstanceOf(VcpuStop.Failed.class);

            MemorySegment written =
                    other.memory
                            .segment()
                            .asSlice(Payload.REAL_MODE_ENTRY + (long) target, pattern.length);
            assertThat(written.toArray(JAVA_BYTE)).isEqualTo(pattern);
        }
    }

    private static IoDevice exitRequest(TinyVm vm) {
        return new IoDevice() {
            @Override
            public long read(long offset, int size) {
                return 0;
            }

            @Override
            public void write(long offset, int size, long value) {
                vm.vcpu.page().requestExit();
            }
        };
    }

    private static List<byte[]> chipsOf(KvmVm vm) {
        List<byte[]> chips = new ArrayList<>();
        for (int chip = 0; chip < CHIPS; chip++) {
            chips.add(vm.irqchip(chip));
        }
        return chips;
    }

    private static void apply(List<Saved> state, List<byte[]> chips, long clock, PayloadVm vm) {
        vm.vm.setClock(ClockData.at(clock));
        List<VcpuState> states = new ArrayList<>();
        for (int i = 0; i < ROLES.length; i++) {
            VcpuState vcpu = state.get(i).decode(VcpuState.CODEC);
            assertThat(vcpu.unreadMsrs()).isEmpty();
            assertThat(vcpu.apply(vm.vcpus.get(i))).isEmpty();
            states.add(vcpu);
        }
        VcpuState.alignTscs(vm.vcpus, states);
        for (int chip = 0; chip < CHIPS; chip++) {
            vm.vm.setIrqchip(chip, chips.get(chip));
        }
    }

    /** Runs the guest for a while, pauses all of it, and saves its vCPUs. */
    private List<Saved> run(PayloadVm vm, Kick kick, StressGuest guest) throws Exception {
        List<Integer> msrs = VcpuStateMsrs.toSave(vm.kvm, vm.vcpus.getFirst());
        List<VcpuThread> threads = new ArrayList<>();
        for (int i = 0; i < ROLES.length; i++) {
            threads.add(
                    new VcpuThread(i, vm.vcpus.get(i), vm.loops.get(i), kick, OPTIONS, listener));
        }
        try {
            long until = guest.rounds() + ROUNDS_BETWEEN;
            for (VcpuThread thread : threads) {
                get(thread.resume());
            }
            while (guest.rounds() < until && guest.failures().isEmpty() && stops.isEmpty()) {
                Thread.onSpinWait();
            }
            for (VcpuThread thread : threads) {
                get(thread.pause().out());
            }
            assertThat(guest.failures()).isEmpty();
            assertThat(stops).isEmpty();
            List<Saved> saved = new ArrayList<>();
            for (int i = 0; i < threads.size(); i++) {
                VcpuState state =
                        get(threads.get(i).whilePaused(vcpu -> VcpuState.capture(vcpu, msrs)));
                saved.add(Saved.of(VcpuState.CODEC, i, state));
            }
            return saved;
        } finally {
            for (VcpuThread thread : threads) {
                CompletableFuture<Void> _ = thread.finish();
            }
            for (VcpuThread thread : threads) {
                assertThat(thread.join(Duration.ofSeconds(30))).isTrue();
            }
        }
    }

    private static IoDevice forwardingTo(Bus bus, long base) {
        return new IoDevice() {
            @Override
            public long read(long offset, int size) {
                return bus.read(base + offset, size);
            }

            @Override
            public void write(long offset, int size, long value) {
                bus.write(base + offset, size, value);
            }
        };
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(60, TimeUnit.SECONDS);
    }
}
