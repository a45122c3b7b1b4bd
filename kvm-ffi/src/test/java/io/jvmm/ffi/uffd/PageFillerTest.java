// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static io.jvmm.ffi.uffd.FaultedMemory.BYTES;
import static io.jvmm.ffi.uffd.FaultedMemory.PAGE;
import static io.jvmm.ffi.uffd.FaultedMemory.errno;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

@RequiresUserfaultfd
class PageFillerTest {

    @Test
    void copiesPageAfterPageAndWakesWhoWaits() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            PageFiller filler = m.uffd.pageFiller();
            for (int page = 3; page < 6; page++) {
                Waiter reader = m.reader(page);
                assertThat(m.message().address()).isEqualTo(m.address(page));
                assertThat(filler.tryCopy(m.address(page), m.from(), page * PAGE)).isEqualTo(PAGE);
                assertThat(reader.result()).isZero();
                assertThat(m.byteOf(page)).isEqualTo((byte) (page + 1));
            }
        }
    }

    @Test
    void namesWhatIsInTheWayAndGoesOn() {
        try (FaultedMemory m = FaultedMemory.anonymous()) {
            PageFiller filler = m.uffd.pageFiller();
            assertThat(filler.tryCopy(m.address(2), m.from(), 0)).isEqualTo(PAGE);
            assertThat(errno(filler.tryCopy(m.address(2), m.from(), 0))).isEqualTo(Errno.EEXIST);
            m.uffd.unregister(m.address(4), PAGE);
            assertThat(errno(filler.tryCopy(m.address(4), m.from(), 0))).isEqualTo(Errno.ENOENT);
            assertThatThrownBy(() -> filler.tryCopy(m.address(0), m.from(), BYTES - PAGE + 1))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            MemorySegment heap = MemorySegment.ofArray(new byte[4096]);
            assertThatThrownBy(() -> filler.tryCopy(m.address(0), heap, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            Arena arena = Arena.ofShared();
            MemorySegment gone = arena.allocate(PAGE);
            arena.close();
            assertThatThrownBy(() -> filler.tryCopy(m.address(0), gone, 0))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(filler.tryCopy(m.address(0), m.from(), 7 * PAGE)).isEqualTo(PAGE);
            assertThat(m.byteOf(0)).isEqualTo((byte) 8);
            m.uffd.close();
            assertThat(errno(filler.tryCopy(m.address(1), m.from(), 0))).isEqualTo(Errno.EBADF);
        }
    }

    @Test
    void mapsPageAfterPageOfAFile() {
        try (Memfd file = Memfd.create("minor", BYTES);
                Mapping alias = file.mapShared();
                FaultedMemory m = FaultedMemory.shared(file)) {
            PageFiller filler = m.uffd.pageFiller();
            assertThat(errno(filler.tryContinue(m.address(7)))).isEqualTo(Errno.EFAULT);
            for (int page = 5; page < 8; page++) {
                alias.segment().set(JAVA_BYTE, page * PAGE + 17, (byte) page);
                Waiter reader = m.reader(page);
                assertThat(m.message().isMinor()).isTrue();
                assertThat(filler.tryContinue(m.address(page))).isEqualTo(PAGE);
                assertThat(reader.result()).isZero();
                assertThat(m.byteOf(page)).isEqualTo((byte) page);
            }
            assertThat(errno(filler.tryContinue(m.address(7)))).isEqualTo(Errno.EEXIST);
        }
    }
}
