// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.NativeThread;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.guest.Payload;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.KickStrategy;
import io.jvmm.vcpu.VcpuKick;
import io.jvmm.vcpu.VcpuStop;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * A guest that does not leave by itself, the product's exit loop, and the product's kicks. What
 * happens step by step is what {@code kicks.c} does.
 */
final class KicksGuest implements AutoCloseable {

    private static final int VCPU_CPU = 0;
    private static final int KICKER_CPU = 1;
    private static final long DELAY_NANOS = 50_000;
    private static final int PAGE = 4096;
    private static final boolean ONE_CPU = Runtime.getRuntime().availableProcessors() == 1;

    private final BenchGuest guest;
    private final ExitLoop loop;
    private final Kick signal = Kick.install();
    private final @Nullable Userfaultfd uffd;

    // Rounds, between the two threads; leftAt is written before left.
    private volatile long entered;
    private volatile long kicked;
    private volatile long left;
    private long leftAt;
    private volatile boolean end;
    private volatile @Nullable VcpuStop trouble;

    /**
     * Starts the guest and lets it come up.
     *
     * @param payload one that tells {@link Payload#TEST_PORT} that it is up, then goes on without
     *     an exit
     * @param missing whether the page of its next instruction shall be missing from then on
     */
    KicksGuest(Payload payload, boolean missing) {
        guest = new BenchGuest(payload);
        Bus ports = new Bus();
        ports.attach(Payload.TEST_PORT, 1, new Up(), "up");
        loop = new ExitLoop(guest.vcpu, ports, new Bus());
        // The device asks for the exit, and the loop completes its instruction first.
        trouble = unlessKicked(loop.run());
        guest.vcpu.page().clearExitRequest();
        uffd = missing ? takePage() : null;
    }

    private Userfaultfd takePage() {
        long page = guest.vcpu.regs().rip() & -PAGE;
        guest.memory.advise(Advice.DONTNEED, page, PAGE);
        Userfaultfd taken = Userfaultfd.open(Set.of());
        taken.register(guest.memory.address() + page, PAGE, Set.of(Tracking.MISSING));
        return taken;
    }

    /**
     * Kicks the vCPU again and again.
     *
     * @param nanos for each kick receives the time from before it to after the return of the exit
     *     loop
     */
    void kick(KickStrategy strategy, long[] nanos) throws InterruptedException {
        VcpuKick kick = strategy.on(guest.vcpu, signal);
        entered = 0;
        kicked = 0;
        left = 0;
        end = false;
        Thread vcpu = Thread.ofPlatform().name("vcpu").start(() -> runVcpu(kick));
        BitSet before = NativeThread.affinity();
        pin(KICKER_CPU);
        try {
            for (int round = 1; round <= nanos.length; round++) {
                awaitEntered(round);
                long start = System.nanoTime();
                for (long ready = start + DELAY_NANOS; start < ready; start = System.nanoTime()) {
                    Thread.onSpinWait();
                }
                kicked = round;
                kick.send();
                awaitLeft(round);
                nanos[round - 1] = leftAt - start;
            }
            awaitEntered(nanos.length + 1);
        } finally {
            end = true;
            kick.send();
            vcpu.join();
            NativeThread.setAffinity(before);
        }
        if (strategy == KickStrategy.SIGNAL_MASK) {
            guest.vcpu.clearSignalMask();
        }
    }

    private void runVcpu(VcpuKick kick) {
        pin(VCPU_CPU);
        kick.prepare();
        kick.clear();
        for (long round = 1; !end && trouble == null; round++) {
            entered = round;
            // The signal of the last kick comes late when the flag had turned the entry back.
            do {
                VcpuStop stop = loop.run();
                leftAt = System.nanoTime();
                trouble = unlessKicked(stop);
                kick.clear();
            } while (kicked < round && !end && trouble == null);
            left = round;
        }
    }

    private static @Nullable VcpuStop unlessKicked(VcpuStop stop) {
        return stop instanceof VcpuStop.Kicked ? null : stop;
    }

    private void awaitEntered(long round) {
        while (entered < round) {
            idle();
        }
    }

    private void awaitLeft(long round) {
        while (left < round) {
            idle();
        }
    }

    private void idle() {
        VcpuStop stop = trouble;
        if (stop != null) {
            throw new IllegalStateException("the guest stopped: " + stop);
        }
        if (ONE_CPU) {
            LockSupport.parkNanos(1);
        } else {
            Thread.onSpinWait();
        }
    }

    private static void pin(int cpu) {
        BitSet set = new BitSet();
        set.set(cpu);
        if (NativeThread.affinity().intersects(set)) {
            NativeThread.setAffinity(set);
        }
    }

    /** Hears that the guest is up, and has the loop come back. */
    private final class Up implements IoDevice {

        @Override
        public long read(long offset, int size) {
            return -1;
        }

        @Override
        public void write(long offset, int size, long value) {
            guest.vcpu.page().requestExit();
        }
    }

    @Override
    public void close() {
        guest.close();
        if (uffd != null) {
            uffd.close();
        }
        signal.close();
    }
}
