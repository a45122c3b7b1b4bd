// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.uffd.FaultedMemory.BYTES;
import static io.jvmm.ffi.uffd.FaultedMemory.PAGE;
import static io.jvmm.ffi.uffd.FaultedMemory.errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Kick;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;

@RequiresUserfaultfd
class MessagesTest {

    @Test
    void oneReadBringsManyFaultsWithTheirThreads() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.THREAD_ID)) {
            Map<Integer, Long> expected = new HashMap<>();
            Waiter[] waiters = new Waiter[8];
            for (int i = 0; i < waiters.length; i++) {
                waiters[i] = i % 2 == 0 ? m.reader(i) : m.writer(i);
                expected.put(waiters[i].threadId(), m.address(i));
            }
            Map<Integer, Long> told = new HashMap<>();
            int reads = 0;
            while (told.size() < waiters.length) {
                m.message();
                reads++;
                for (int i = 0; i < m.messages.count(); i++) {
                    FaultMessage message = m.messages.at(i);
                    assertThat(message.event()).isEqualTo(UffdConstants.UFFD_EVENT_PAGEFAULT);
                    assertThat(message.isPageFault()).isTrue();
                    assertThat(message.isMinor()).isFalse();
                    assertThat(message.isWriteProtected()).isFalse();
                    long page = (message.address() - m.address(0)) / PAGE;
                    assertThat(message.isWrite()).isEqualTo(page % 2 == 1);
                    told.put(message.threadId(), message.address());
                }
            }
            assertThat(told).isEqualTo(expected);
            assertThat(reads).isLessThanOrEqualTo(waiters.length);
            assertThat(m.uffd.tryCopy(m.address(0), m.from(), 0, 8 * PAGE, 0)).isEqualTo(8 * PAGE);
            for (Waiter waiter : waiters) {
                assertThat(waiter.result()).isZero();
            }
        }
    }

    @Test
    void aFullBufferLeavesTheRestForTheNextRead() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter first = m.reader(1);
            Waiter second = m.reader(2);
            FaultMessages one = new FaultMessages(1);
            long sum = FaultedMemory.message(m.uffd, one).address();
            assertThatThrownBy(() -> one.at(1)).isInstanceOf(IndexOutOfBoundsException.class);
            sum += FaultedMemory.message(m.uffd, one).address();
            assertThat(sum).isEqualTo(m.address(1) + m.address(2));
            assertThat(errno(m.uffd.tryRead(one))).isEqualTo(Errno.EAGAIN);
            assertThat(one.count()).isZero();
            m.uffd.tryZeropage(m.address(1), 2 * PAGE, 0);
            assertThat(first.result() + second.result()).isZero();
        }
    }

    @Test
    void aReadTakesNoMoreThanItsLimit() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter[] waiters = {m.reader(1), m.reader(2)};
            long sum = 0;
            for (int read = 0; read < waiters.length; read++) {
                assertThat(m.uffd.fd().poll(Fd.POLLIN, 10_000)).isEqualTo(Fd.POLLIN);
                assertThat(m.uffd.tryRead(m.messages, 1)).isEqualTo(1);
                sum += m.messages.at(0).address();
            }
            assertThat(sum).isEqualTo(m.address(1) + m.address(2));
            assertThat(errno(m.uffd.tryRead(m.messages, 1))).isEqualTo(Errno.EAGAIN);
            assertThat(m.messages.count()).isZero();
            assertThatThrownBy(() -> m.uffd.tryRead(m.messages, m.messages.capacity() + 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> m.uffd.tryRead(m.messages, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            m.uffd.tryZeropage(m.address(1), 2 * PAGE, 0);
            assertThat(waiters[0].result() + waiters[1].result()).isZero();
        }
    }

    @Test
    void aBlockingReaderIsKickedOut() {
        try (FaultedMemory m = FaultedMemory.anonymous();
                Kick kick = Kick.install()) {
            m.uffd.setNonBlocking(false);
            assertThat(m.uffd.fd().poll(Fd.POLLIN, 0))
                    .as("a blocking userfaultfd cannot be polled")
                    .isEqualTo(Fd.POLLERR);
            Waiter reader =
                    Waiter.start(() -> {
                        Signals.unblock(kick.signal());
                        long result;
                        do {
                            result = m.uffd.tryRead(m.messages);
                            if (result > 0) {
                                m.copy(0, 0);
                            }
                        } while (result > 0);
                        return result;
                    });
            assertThat(m.reader(0).result()).isZero();
            // A kick that comes before the call is without effect, so it is repeated.
            while (reader.isWaiting()) {
                kick.trySend(reader.threadId());
                Thread.onSpinWait();
            }
            assertThat(errno(reader.result())).isEqualTo(Errno.EINTR);
        }
    }

    @Test
    void whoDropsPagesWaitsAndCopiesAreRefusedMeanwhile() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.EVENT_REMOVE)) {
            m.uffd.tryCopy(m.address(0), m.from(), 0, BYTES, 0);
            Waiter balloon =
                    Waiter.start(() -> m.memory.tryAdvise(Advice.DONTNEED, 2 * PAGE, 3 * PAGE));
            assertThat(m.uffd.fd().poll(Fd.POLLIN, 10_000)).isEqualTo(Fd.POLLIN);
            assertThat(errno(m.copy(2, 0))).isEqualTo(Errno.EAGAIN);
            assertThat(errno(m.uffd.tryZeropage(m.address(2), PAGE, 0))).isEqualTo(Errno.EAGAIN);
            FaultMessage message = m.message();
            assertThat(message.event()).isEqualTo(UffdConstants.UFFD_EVENT_REMOVE);
            assertThat(message.isPageFault()).isFalse();
            assertThat(message.removedStart()).isEqualTo(m.address(2));
            assertThat(message.removedEnd()).isEqualTo(m.address(5));
            assertThatThrownBy(message::address).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(message::threadId).isInstanceOf(IllegalStateException.class);
            assertThat(balloon.result()).isZero();
            assertThat(m.copy(2, 0)).as("missing again").isEqualTo(PAGE);
        }
    }

    @Test
    void aHoleInAFileIsTold() {
        try (Memfd file = Memfd.create("hole", BYTES);
                FaultedMemory m =
                        new FaultedMemory(
                                file.mapShared(),
                                Set.of(Feature.MISSING_SHMEM, Feature.EVENT_REMOVE),
                                Tracking.MISSING)) {
            assertThat(m.copy(1, 0)).isEqualTo(PAGE);
            Waiter balloon = Waiter.start(() -> m.memory.tryAdvise(Advice.REMOVE, PAGE, PAGE));
            FaultMessage message = m.message();
            assertThat(message.event()).isEqualTo(UffdConstants.UFFD_EVENT_REMOVE);
            assertThat(message.removedStart()).isEqualTo(m.address(1));
            assertThat(balloon.result()).isZero();
        }
    }

    @Test
    void unmappingIsTold() {
        Mapping gone = Mapping.anonymous(BYTES);
        try (Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.EVENT_UNMAP))) {
            uffd.setNonBlocking(true);
            long address = gone.address();
            uffd.register(address, BYTES, Set.of(Tracking.MISSING));
            Waiter closer =
                    Waiter.start(() -> {
                        gone.close();
                        return 0;
                    });
            FaultMessage message = FaultedMemory.message(uffd, new FaultMessages(1));
            assertThat(message.event()).isEqualTo(UffdConstants.UFFD_EVENT_UNMAP);
            assertThat(message.removedStart()).isEqualTo(address);
            assertThat(message.removedEnd()).isEqualTo(address + BYTES);
            assertThat(closer.result()).isZero();
        }
    }

    @Test
    void movingAMappingIsTold() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.EVENT_REMAP);
                Mapping target = Mapping.anonymous(BYTES)) {
            Waiter mover = Waiter.start(() -> Mremap.onto(m.address(0), BYTES, target.address()));
            FaultMessage message = m.message();
            assertThat(message.event()).isEqualTo(UffdConstants.UFFD_EVENT_REMAP);
            assertThat(message.remapFrom()).isEqualTo(m.address(0));
            assertThat(message.remapTo()).isEqualTo(target.address());
            assertThat(message.remapLength()).isEqualTo(BYTES);
            assertThatThrownBy(message::removedStart).isInstanceOf(IllegalStateException.class);
            assertThat(mover.result()).isEqualTo(target.address());
            assertThat(m.uffd.tryCopy(target.address(), m.from(), 0, PAGE, 0)).isEqualTo(PAGE);
        }
    }

    /** The kernel is trusted, a message is not: whatever the bytes, nothing but a refusal. */
    @Test
    void anyBytesCanBeLookedAt() {
        Random random = new Random(42);
        FaultMessages messages = new FaultMessages(4);
        MemorySegment buffer = messages.buffer();
        byte[] noise = new byte[(int) buffer.byteSize()];
        for (int round = 0; round < 20_000; round++) {
            random.nextBytes(noise);
            MemorySegment.copy(noise, 0, buffer, JAVA_BYTE, 0, noise.length);
            // Half of the rounds show an event that there is.
            if (round % 2 == 0) {
                buffer.set(JAVA_BYTE, 0, (byte) (0x12 + round / 2 % 5));
            }
            messages.filled(4);
            FaultMessage message = messages.at(0);
            int event = message.event();
            assertThat(event).isEqualTo(Byte.toUnsignedInt(buffer.get(JAVA_BYTE, 0)));
            refusedUnless(event == 0x12, message::address);
            refusedUnless(event == 0x12, message::flags);
            refusedUnless(event == 0x14, message::remapFrom);
            refusedUnless(event == 0x15 || event == 0x16, message::removedEnd);
            if (event == UffdConstants.UFFD_EVENT_FORK) {
                // Never closed: the number may be that of a descriptor of somebody else.
                buffer.set(JAVA_INT, Layout.FORK_DESCRIPTOR, 1 << 30);
                assertThat(message.takeForkedDescriptor().number()).isEqualTo(1 << 30);
            }
        }
    }

    private static void refusedUnless(boolean fits, Runnable accessor) {
        if (fits) {
            accessor.run();
        } else {
            assertThatThrownBy(accessor::run).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void roomForMessagesHasLimits() {
        assertThatThrownBy(() -> new FaultMessages(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new FaultMessages(65_537))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
