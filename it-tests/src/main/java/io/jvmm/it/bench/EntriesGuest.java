// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.guest.Payload;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.KickStrategy;
import io.jvmm.vcpu.VcpuKick;
import io.jvmm.vcpu.VcpuStop;

/** What an entry into the guest costs under each kick strategy, on this thread. */
final class EntriesGuest implements AutoCloseable {

    private final BenchGuest guest = new BenchGuest(Payload.REAL_PORTS);
    private final Kick signal = Kick.install();
    private final Counter counter = new Counter();
    private final ExitLoop loop;
    private VcpuKick kick;

    EntriesGuest() {
        Bus ports = new Bus();
        ports.attach(Payload.TEST_PORT, 1, counter, "counter");
        loop = new ExitLoop(guest.vcpu, ports, new Bus());
        kick = KickStrategy.SIGNAL_MASK.on(guest.vcpu, signal);
    }

    /** From here on the thread enters as this strategy has it. */
    void use(KickStrategy strategy) {
        kick = strategy.on(guest.vcpu, signal);
        if (strategy == KickStrategy.IMMEDIATE_EXIT) {
            guest.vcpu.clearSignalMask();
        }
        kick.prepare();
        kick.clear();
    }

    /** Nanoseconds for some port writes of the guest, each of them an exit and an entry. */
    long exits(int count) {
        counter.left = count;
        return timed();
    }

    /** Nanoseconds for some entries that are turned back by a kick, which is taken back. */
    long turnedBack(int count) {
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            kick.sendToSelf();
            check(loop.run());
            kick.clear();
        }
        return System.nanoTime() - start;
    }

    private long timed() {
        long start = System.nanoTime();
        VcpuStop stop = loop.run();
        long nanos = System.nanoTime() - start;
        check(stop);
        kick.clear();
        return nanos;
    }

    private static void check(VcpuStop stop) {
        if (!(stop instanceof VcpuStop.Kicked)) {
            throw new IllegalStateException("the guest stopped: " + stop);
        }
    }

    /** Has the loop come back when it has seen enough. */
    private final class Counter implements IoDevice {
        private int left;

        @Override
        public long read(long offset, int size) {
            return -1;
        }

        @Override
        public void write(long offset, int size, long value) {
            if (--left == 0) {
                kick.sendToSelf();
            }
        }
    }

    @Override
    public void close() {
        guest.close();
        signal.close();
    }
}
