// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.guest.Payload;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.VcpuStop;

/** A guest that writes to the test port for ever, and the product's exit loop on this thread. */
final class ExitsGuest implements AutoCloseable {

    private final BenchGuest guest;
    private final KvmVcpu vcpu;
    private final ExitLoop loop;
    private final Counter counter;

    ExitsGuest(Payload payload) {
        guest = new BenchGuest(payload);
        vcpu = guest.vcpu;
        counter = new Counter(vcpu.page());
        Bus ports = new Bus();
        ports.attach(Payload.TEST_PORT, 1, counter, "counter");
        loop = new ExitLoop(vcpu, ports, new Bus());
    }

    /** Runs until the guest made that many port writes; returns the nanoseconds it took. */
    long run(int exits) {
        counter.left = exits;
        vcpu.page().clearExitRequest();
        long start = System.nanoTime();
        VcpuStop stop = loop.run();
        long nanos = System.nanoTime() - start;
        if (!(stop instanceof VcpuStop.Kicked)) {
            throw new IllegalStateException("the guest stopped: " + stop);
        }
        return nanos;
    }

    /** Asks for the end of the loop when it has seen enough. */
    private static final class Counter implements IoDevice {
        private final KvmRun page;
        private int left;

        Counter(KvmRun page) {
            this.page = page;
        }

        @Override
        public long read(long offset, int size) {
            return -1;
        }

        @Override
        public void write(long offset, int size, long value) {
            if (--left == 0) {
                page.requestExit();
            }
        }
    }

    @Override
    public void close() {
        guest.close();
    }
}
