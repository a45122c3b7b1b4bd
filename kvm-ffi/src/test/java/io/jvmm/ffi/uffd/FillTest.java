// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.uffd.FaultedMemory.BYTES;
import static io.jvmm.ffi.uffd.FaultedMemory.PAGE;
import static io.jvmm.ffi.uffd.FaultedMemory.errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** Every operation on the real kernel: what succeeds, what is done in part, what fails by name. */
@RequiresUserfaultfd
class FillTest {

    @Test
    void copyServesAWaitingThread() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(3);
            assertThat(m.message().address()).isEqualTo(m.address(3));
            assertThat(m.copy(3, 0)).isEqualTo(PAGE);
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(3)).isEqualTo((byte) 4);
        }
    }

    @Test
    void copyNamesWhatIsInItsWay() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            assertThat(m.copy(2, 0)).isEqualTo(PAGE);
            assertThat(errno(m.copy(2, 0))).isEqualTo(Errno.EEXIST);
            assertThat(errno(m.uffd.tryCopy(m.address(0) + 1, m.from(), 0, PAGE, 0)))
                    .isEqualTo(Errno.EINVAL);
            assertThat(errno(m.uffd.tryCopy(m.address(0), m.from(), 0, 0, 0)))
                    .isEqualTo(Errno.EINVAL);
            // Nothing is ever mapped at the lowest addresses, and the kernel only looks.
            MemorySegment unreadable = MemorySegment.ofAddress(PAGE).reinterpret(PAGE);
            assertThat(errno(m.uffd.tryCopy(m.address(0), unreadable, 0, PAGE, 0)))
                    .isEqualTo(Errno.EFAULT);
            assertThatThrownBy(() -> m.uffd.tryCopy(m.address(0), m.from(), PAGE, BYTES, 0))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            MemorySegment heap = MemorySegment.ofArray(new byte[4096]);
            assertThatThrownBy(() -> m.uffd.tryCopy(m.address(0), heap, 0, PAGE, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            m.uffd.unregister(m.address(4), PAGE);
            assertThat(errno(m.copy(4, 0))).isEqualTo(Errno.ENOENT);
        }
    }

    @Test
    void copyStopsAtAPageThatIsThere() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            assertThat(m.copy(2, 0)).isEqualTo(PAGE);
            assertThat(m.uffd.tryCopy(m.address(0), m.from(), 0, 4 * PAGE, 0)).isEqualTo(2 * PAGE);
            assertThat(errno(m.uffd.tryCopy(m.address(2), m.from(), 2 * PAGE, 2 * PAGE, 0)))
                    .isEqualTo(Errno.EEXIST);
            assertThat(m.uffd.tryCopy(m.address(3), m.from(), 3 * PAGE, PAGE, 0)).isEqualTo(PAGE);
            for (int page = 0; page < 4; page++) {
                assertThat(m.byteOf(page)).isEqualTo((byte) (page + 1));
            }
        }
    }

    @Test
    void zeropageFillsWithZeros() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(0);
            m.message();
            assertThat(m.uffd.tryZeropage(m.address(0), PAGE, 0)).isEqualTo(PAGE);
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(0)).isZero();
            assertThat(errno(m.uffd.tryZeropage(m.address(0), PAGE, 0))).isEqualTo(Errno.EEXIST);
            assertThat(m.copy(3, 0)).isEqualTo(PAGE);
            assertThat(m.uffd.tryZeropage(m.address(1), 4 * PAGE, 0)).isEqualTo(2 * PAGE);
        }
    }

    @Test
    void moveTakesThePagesAway() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.MOVE)) {
            Waiter reader = m.reader(5);
            m.message();
            assertThat(m.uffd.tryMove(m.address(5), m.from(), 5 * PAGE, PAGE, 0)).isEqualTo(PAGE);
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(5)).isEqualTo((byte) 6);
            assertThat(m.from().get(JAVA_BYTE, 5 * PAGE)).as("the source is empty").isZero();
            assertThat(errno(m.uffd.tryMove(m.address(5), m.from(), 0, PAGE, 0)))
                    .isEqualTo(Errno.EEXIST);
        }
    }

    @Test
    void moveStopsWhereTheSourceIsEmpty() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.MOVE)) {
            m.source.advise(Advice.DONTNEED, 2 * PAGE, PAGE);
            assertThat(m.uffd.tryMove(m.address(0), m.from(), 0, 4 * PAGE, 0)).isEqualTo(2 * PAGE);
            assertThat(errno(m.uffd.tryMove(m.address(2), m.from(), 2 * PAGE, PAGE, 0)))
                    .isEqualTo(Errno.ENOENT);
            assertThat(
                            m.uffd.tryMove(
                                    m.address(2),
                                    m.from(),
                                    2 * PAGE,
                                    2 * PAGE,
                                    UffdConstants.UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES))
                    .isEqualTo(2 * PAGE);
            assertThat(m.byteOf(3)).isEqualTo((byte) 4);
            assertThat(m.copy(2, 0)).as("the hole is still missing").isEqualTo(PAGE);
        }
    }

    @Test
    void aHugePageMovesInOnePiece() {
        long huge = Mapping.HUGE_PAGE_BYTES;
        try (Mapping staging = Mapping.anonymous(huge);
                Mapping memory = Mapping.anonymous(huge)) {
            staging.tryAdvise(Advice.HUGEPAGE, 0, huge);
            staging.segment().fill((byte) 0x5A);
            try (Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.MOVE))) {
                uffd.register(memory.address(), huge, Set.of(Tracking.MISSING));
                assertThat(uffd.tryMove(memory.address(), staging.segment(), 0, huge, 0))
                        .isEqualTo(huge);
                assertThat(memory.segment().get(JAVA_BYTE, huge - 1)).isEqualTo((byte) 0x5A);
            }
        }
    }

    @Test
    void continueMapsWhatAnotherMappingHasWritten() {
        try (Memfd file = Memfd.create("minor", BYTES);
                Mapping alias = file.mapShared();
                FaultedMemory m = FaultedMemory.shared(file)) {
            alias.segment().set(JAVA_BYTE, 6 * PAGE + 17, (byte) 0x66);
            Waiter reader = m.reader(6);
            assertThat(m.message().isMinor()).isTrue();
            assertThat(m.uffd.tryContinue(m.address(6), PAGE, 0)).isEqualTo(PAGE);
            assertThat(reader.result()).isZero();
            assertThat(m.byteOf(6)).isEqualTo((byte) 0x66);
            assertThat(errno(m.uffd.tryContinue(m.address(6), PAGE, 0))).isEqualTo(Errno.EEXIST);
            assertThat(errno(m.uffd.tryContinue(m.address(7), PAGE, 0)))
                    .as("the file has no page there")
                    .isEqualTo(Errno.EFAULT);
            alias.segment().set(JAVA_BYTE, 4 * PAGE, (byte) 1);
            alias.segment().set(JAVA_BYTE, 5 * PAGE, (byte) 1);
            assertThat(m.uffd.tryContinue(m.address(4), 4 * PAGE, 0)).isEqualTo(2 * PAGE);
        }
    }

    @Test
    void poisonMakesThePageFailUntilItIsReplaced() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.POISON)) {
            assertThat(m.uffd.tryPoison(m.address(1), 2 * PAGE, 0)).isEqualTo(2 * PAGE);
            assertThat(errno(m.reader(1).result())).isEqualTo(Errno.EHWPOISON);
            assertThat(errno(m.uffd.tryPoison(m.address(1), PAGE, 0))).isEqualTo(Errno.EEXIST);
            assertThat(errno(m.uffd.tryZeropage(m.address(1), PAGE, 0))).isEqualTo(Errno.EEXIST);
            assertThat(m.copy(1, 0)).isEqualTo(PAGE);
            assertThat(m.byteOf(1)).isEqualTo((byte) 2);
        }
    }

    @Test
    void wakeIsWhatDontwakeLeavesOut() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            Waiter reader = m.reader(8);
            m.message();
            assertThat(m.copy(8, UffdConstants.UFFDIO_COPY_MODE_DONTWAKE)).isEqualTo(PAGE);
            assertThat(reader.isWaiting()).isTrue();
            assertThat(m.uffd.tryWake(m.address(0), BYTES)).isZero();
            assertThat(reader.result()).isZero();
            assertThat(errno(m.uffd.tryWake(m.address(0) + 1, PAGE))).isEqualTo(Errno.EINVAL);
        }
    }

    @Test
    void everyFillCanLeaveTheThreadAsleep() {
        try (FaultedMemory m = FaultedMemory.anonymous(Feature.MOVE, Feature.POISON)) {
            Waiter[] readers = {m.reader(0), m.reader(1), m.reader(2)};
            for (int told = 0; told < readers.length; told += m.messages.count()) {
                m.message();
            }
            assertThat(
                            m.uffd.tryZeropage(
                                    m.address(0),
                                    PAGE,
                                    UffdConstants.UFFDIO_ZEROPAGE_MODE_DONTWAKE))
                    .isEqualTo(PAGE);
            assertThat(
                            m.uffd.tryMove(
                                    m.address(1),
                                    m.from(),
                                    PAGE,
                                    PAGE,
                                    UffdConstants.UFFDIO_MOVE_MODE_DONTWAKE))
                    .isEqualTo(PAGE);
            assertThat(
                            m.uffd.tryPoison(
                                    m.address(2), PAGE, UffdConstants.UFFDIO_POISON_MODE_DONTWAKE))
                    .isEqualTo(PAGE);
            for (Waiter reader : readers) {
                assertThat(reader.isWaiting()).isTrue();
            }
            assertThat(m.uffd.tryWake(m.address(0), 3 * PAGE)).isZero();
            assertThat(readers[0].result()).isZero();
            assertThat(readers[1].result()).isZero();
            assertThat(errno(readers[2].result())).isEqualTo(Errno.EHWPOISON);
        }
    }

    @Test
    void writeProtectReportsWritesOnly() {
        try (FaultedMemory m =
                new FaultedMemory(
                        Mapping.anonymous(BYTES),
                        Set.of(Feature.PAGEFAULT_FLAG_WP),
                        Tracking.MISSING,
                        Tracking.WP)) {
            assertThat(m.copy(9, UffdConstants.UFFDIO_COPY_MODE_WP)).isEqualTo(PAGE);
            assertThat(m.reader(9).result()).isZero();
            Waiter writer = m.writer(9);
            FaultMessage message = m.message();
            assertThat(message.isWriteProtected()).isTrue();
            assertThat(message.isWrite()).isTrue();
            assertThat(message.address()).isEqualTo(m.address(9));
            assertThat(m.uffd.tryWriteProtect(m.address(9), PAGE, 0)).isZero();
            assertThat(writer.result()).isZero();
            int protect = UffdConstants.UFFDIO_WRITEPROTECT_MODE_WP;
            assertThat(m.uffd.tryWriteProtect(m.address(9), PAGE, protect)).isZero();
            Waiter again = m.writer(9);
            assertThat(m.message().isWriteProtected()).isTrue();
            assertThat(
                            m.uffd.tryWriteProtect(
                                    m.address(9),
                                    PAGE,
                                    UffdConstants.UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
                    .isZero();
            assertThat(again.isWaiting()).isTrue();
            assertThat(m.uffd.tryWake(m.address(9), PAGE)).isZero();
            assertThat(again.result()).isZero();
            m.uffd.unregister(m.address(9), PAGE);
            assertThat(errno(m.uffd.tryWriteProtect(m.address(9), PAGE, protect)))
                    .isEqualTo(Errno.ENOENT);
        }
    }

    @Test
    void registerTellsWhatTheRangeCanDo() {
        try (FaultedMemory m = FaultedMemory.anonymous();
                Userfaultfd other = Userfaultfd.open(Set.of())) {
            assertThat(m.uffd.register(m.address(0), BYTES, Set.of(Tracking.MISSING)))
                    .containsAll(EnumSet.of(Operation.WAKE, Operation.COPY, Operation.ZEROPAGE))
                    .doesNotContain(Operation.CONTINUE, Operation.WRITEPROTECT);
            assertThatThrownBy(() -> other.register(m.address(0), BYTES, Set.of(Tracking.MISSING)))
                    .isInstanceOfSatisfying(
                            KernelException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EBUSY))
                    .hasMessageStartingWith("UFFDIO_REGISTER: EBUSY");
            assertThatThrownBy(() -> m.uffd.register(m.address(0), BYTES, Set.of()))
                    .hasMessageStartingWith("UFFDIO_REGISTER: EINVAL");
            m.uffd.unregister(m.address(0), BYTES);
            other.register(m.address(0), BYTES, Set.of(Tracking.MISSING));
            assertThatThrownBy(() -> m.uffd.unregister(m.address(0) + 1, PAGE))
                    .hasMessageStartingWith("UFFDIO_UNREGISTER: EINVAL");
        }
    }
}
