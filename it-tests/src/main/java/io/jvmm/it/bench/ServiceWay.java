// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.host.FaultModes;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.SelfService;
import io.jvmm.paging.service.FaultService;
import io.jvmm.vcpu.VcpuPages;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The fault service in one of its modes, a page at a time.
 *
 * @param oneReader one userfaultfd with one reader for all memory, as the C program has it
 */
record ServiceWay(FaultMode mode, boolean oneReader, int pages) implements FaultWay {

    private static final long PAGE = 4096;

    @Override
    public String label() {
        return mode.label() + (oneReader ? "-one-reader" : "");
    }

    @Override
    public Optional<String> refusal(Kvm kvm) {
        return FaultModes.refusal(kvm, mode);
    }

    @Override
    public double run(int ring, int vcpus) throws InterruptedException {
        long bytes = pages * PAGE;
        touch(pages);
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        config = oneReader ? config.withShards(1) : config;
        try (Mapping memory = Mapping.anonymous(bytes);
                ReadingGuest guest = new ReadingGuest(ring, vcpus, pages);
                FaultService service = new FaultService(new OnePage(), config, mode, _ -> {})) {
            memory.tryAdvise(Advice.NOHUGEPAGE, 0, bytes);
            guest.addMemory(memory);
            service.attach(List.of(ReadingGuest.range(memory)));
            VcpuPages own = mode.isSelfService() ? new OwnPages(service, memory) : null;
            return (double) guest.run(own) / pages;
        }
    }

    /** What the host gives out for the first time costs it time. */
    static void touch(int pages) {
        try (Mapping memory = Mapping.anonymous(pages * PAGE)) {
            memory.tryAdvise(Advice.POPULATE_WRITE, 0, memory.sizeBytes());
        }
    }

    /** The service, for vCPUs that are turned away. */
    private record OwnPages(FaultService service, Mapping memory) implements VcpuPages {

        @Override
        public boolean canFallBack() {
            return false;
        }

        @Override
        public boolean signalsMissing() {
            return service.mode() == FaultMode.POISON;
        }

        @Override
        public Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
            SelfService.Answer answer = service.bring(gpa, threadId, interrupted);
            return switch (answer) {
                case BROUGHT -> Answer.BROUGHT;
                case PRESENT -> Answer.PRESENT;
                case INTERRUPTED, ENDED -> Answer.INTERRUPTED;
                case UNKNOWN -> Answer.NO_MEMORY;
            };
        }

        @Override
        public long gpaOf(long hva) {
            long offset = hva - memory.address();
            return offset >= 0 && offset < memory.sizeBytes() ? ReadingGuest.BASE + offset : -1;
        }

        /** No access of this guest's is interpreted where these modes work. */
        @Override
        public boolean isMemory(long gpa, int size) {
            return false;
        }

        @Override
        public long read(long gpa, int size) {
            return -1;
        }

        @Override
        public void write(long gpa, int size, long value) {}
    }
}
