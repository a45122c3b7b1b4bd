// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.kvm.KvmConstants;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.vcpu.VcpuPages;

import org.jspecify.annotations.Nullable;

import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Each page is a memory slot of its own whose guest_memfd is closed: the one fault that stock
 * kernels name by {@code KVM_EXIT_MEMORY_FAULT} in an ordinary virtual machine. The vCPU's thread
 * puts ordinary memory in the slot's place.
 *
 * <p>Nobody would page like that, since a slot that goes makes KVM forget what it has mapped of all
 * of them. It shows the exit, and what stands on it, on a host whose kernel does not annotate
 * missing pages.
 *
 * @param pages at most as many as there can be slots
 */
record GuestMemfdWay(int pages) implements FaultWay {

    private static final long PAGE = 4096;

    /** {@code GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED}, Linux 6.18. */
    private static final int MAPPABLE_AND_SHARED = 3;

    @Override
    public String label() {
        return "guest-memfd";
    }

    @Override
    public Optional<String> refusal(Kvm kvm) {
        try (KvmVm vm = kvm.createVm()) {
            int slots = vm.checkExtension(KvmConstants.KVM_CAP_NR_MEMSLOTS);
            if (slots < ReadingGuest.FIRST_SLOT + pages) {
                return Optional.of("there are only %d memory slots".formatted(slots));
            }
            vm.createGuestMemfd(PAGE, MAPPABLE_AND_SHARED).close();
            return Optional.empty();
        } catch (KernelException e) {
            return Optional.of("no guest_memfd that is shared from the start: " + e.getMessage());
        }
    }

    @Override
    public double run(int ring, int vcpus) throws InterruptedException {
        try (Mapping memory = Mapping.anonymous(pages * PAGE);
                ReadingGuest guest = new ReadingGuest(ring, vcpus, pages)) {
            memory.tryAdvise(Advice.NOHUGEPAGE, 0, memory.sizeBytes());
            memory.advise(Advice.POPULATE_WRITE, 0, memory.sizeBytes());
            Slots slots = new Slots(guest.vm(), memory);
            for (int page = 0; page < pages; page++) {
                slots.lose(page);
            }
            return (double) guest.run(slots) / pages;
        }
    }

    /** The slots, for vCPUs that are turned away. */
    private record Slots(KvmVm vm, Mapping memory) implements VcpuPages {

        private long gpa(int page) {
            return ReadingGuest.BASE + page * PAGE;
        }

        private static int slot(int page) {
            return ReadingGuest.FIRST_SLOT + page;
        }

        void lose(int page) {
            try (Fd lost = vm.createGuestMemfd(PAGE, MAPPABLE_AND_SHARED)) {
                long host = memory.address() + page * PAGE;
                vm.setGuestMemfdRegion(slot(page), gpa(page), host, PAGE, lost);
            }
        }

        @Override
        public Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
            long offset = (gpa - ReadingGuest.BASE) & -PAGE;
            if (offset < 0 || offset >= memory.sizeBytes()) {
                return Answer.NO_MEMORY;
            }
            int page = (int) (offset / PAGE);
            long host = memory.address() + offset;
            memory.segment().asSlice(offset, PAGE).fill((byte) ReadingGuest.WORD);
            vm.setUserMemoryRegion(slot(page), 0, gpa(page), host, 0);
            vm.setUserMemoryRegion(slot(page), 0, gpa(page), host, PAGE);
            return Answer.BROUGHT;
        }

        @Override
        public boolean canFallBack() {
            return false;
        }

        @Override
        public boolean signalsMissing() {
            return false;
        }

        @Override
        public long gpaOf(long hva) {
            return -1;
        }

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
