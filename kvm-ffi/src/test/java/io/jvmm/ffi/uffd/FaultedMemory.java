// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/**
 * Memory of a few pages, registered whole, with a source of the same size whose page number n is
 * full of the byte n + 1. The descriptor does not block, so that no test waits for ever.
 */
final class FaultedMemory implements AutoCloseable {

    static final long PAGE = 4096;
    static final long PAGES = 16;
    static final long BYTES = PAGES * PAGE;

    final Userfaultfd uffd;
    final Mapping memory;
    final Mapping source = Mapping.anonymous(BYTES);
    final FaultMessages messages = new FaultMessages(16);

    FaultedMemory(Mapping memory, Set<Feature> features, Tracking first, Tracking... more) {
        this.memory = memory;
        for (int page = 0; page < PAGES; page++) {
            source.segment().asSlice(page * PAGE, PAGE).fill((byte) (page + 1));
        }
        uffd = Userfaultfd.open(features);
        uffd.setNonBlocking(true);
        uffd.register(memory.address(), memory.sizeBytes(), EnumSet.of(first, more));
    }

    static FaultedMemory anonymous(Feature... features) {
        return new FaultedMemory(Mapping.anonymous(BYTES), Set.of(features), Tracking.MISSING);
    }

    /** Of a file, whose pages can be there and not be mapped. */
    static FaultedMemory shared(Memfd file) {
        return new FaultedMemory(
                file.mapShared(),
                Set.of(Feature.MISSING_SHMEM, Feature.MINOR_SHMEM),
                Tracking.MISSING,
                Tracking.MINOR);
    }

    long address(int page) {
        return memory.address() + page * PAGE;
    }

    MemorySegment from() {
        return source.segment();
    }

    /** Copies one page of the source to the page of the same number. */
    long copy(int page, int mode) {
        return uffd.tryCopy(address(page), from(), page * PAGE, PAGE, mode);
    }

    Waiter reader(int page) {
        return Waiter.start(() -> memory.tryAdvise(Advice.POPULATE_READ, page * PAGE, PAGE));
    }

    Waiter writer(int page) {
        return Waiter.start(() -> memory.tryAdvise(Advice.POPULATE_WRITE, page * PAGE, PAGE));
    }

    /** A byte of a page, which the caller knows to be there. */
    byte byteOf(int page) {
        return memory.segment().get(JAVA_BYTE, page * PAGE + 17);
    }

    /** Waits for messages. */
    FaultMessage message() {
        return message(uffd, messages);
    }

    static FaultMessage message(Userfaultfd uffd, FaultMessages messages) {
        int result;
        do {
            // A message can be taken back between the two calls, by a signal to the waiter.
            assertThat(uffd.fd().poll(Fd.POLLIN, 10_000)).isEqualTo(Fd.POLLIN);
            result = uffd.tryRead(messages);
        } while (Errno.EAGAIN.is(result));
        assertThat(result).isPositive();
        assertThat(messages.count()).isEqualTo(result);
        return messages.at(0);
    }

    static Errno errno(long result) {
        assertThat(result).isNegative();
        return Errno.of(result);
    }

    @Override
    public void close() {
        // First, or unmapping would wait for somebody to read the message about it.
        uffd.close();
        source.close();
        memory.close();
    }
}
