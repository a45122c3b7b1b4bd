package io.jvmm.it.bench;

import io.jvmm.boot.BootConfig;
import io.jvmm.boot.BootEntry;
import io.jvmm.boot.BootLoader;
import io.jvmm.boot.EntryState;
import io.jvmm.boot.KernelImage;
import io.jvmm.bus.Bus;
import io.jvmm.bus.IoDevice;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmRun;
import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.guest.Payload;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;
import io.jvmm.vcpu.ExitLoop;
import io.jvmm.vcpu.VcpuSetup;
import io.jvmm.vcpu.VcpuStop;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** A guest that writes to the test port for ever, and the product's exit loop on this thread. */
final class ExitsGuest implements AutoCloseable {

    private static final long MEMORY = 16 << 20;

    private final Kvm kvm = Kvm.open();
    private final KvmVm vm = kvm.createVm();
    private final Mapping memory = Mapping.anonymous(MEMORY);
    private final KvmVcpu vcpu;
    private final ExitLoop loop;
    private final Counter counter;

    ExitsGuest(Payload payload) {
        vm.setUserMemoryRegion(0, 0, 0, memory.address(), memory.sizeBytes());
        GuestMemory guestMemory = new GuestMemory(List.of(new MemoryRegion(0, memory.segment())));
        vcpu = vm.createVcpu(0);
        new VcpuSetup(kvm, 1).prepare(vcpu, 0);
        VcpuSetup.enter(vcpu, load(payload, guestMemory));
        counter = new Counter(vcpu.page());
        Bus ports = new Bus();
        ports.attach(Payload.TEST_PORT, 1, counter, "counter");
        loop = new ExitLoop(vcpu, ports, new Bus());
    }

    private static EntryState load(Payload payload, GuestMemory memory) {
        return switch (payload.kind()) {
            case REAL_MODE -> {
                memory.copyIn(Payload.REAL_MODE_ENTRY, payload.bytes());
                yield new EntryState.RealMode(0, Payload.REAL_MODE_ENTRY);
            }
            case LONG_ELF -> {
                try (KernelImage kernel =
                        KernelImage.of(payload.id(), MemorySegment.ofArray(payload.bytes()))) {
                    BootConfig config = new BootConfig("", Optional.empty(), BootEntry.ELF64, 1);
                    yield BootLoader.load(memory, kernel, config).entry();
                }
            }
        };
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
        vcpu.close();
        vm.close();
        memory.close();
        kvm.close();
    }
}
