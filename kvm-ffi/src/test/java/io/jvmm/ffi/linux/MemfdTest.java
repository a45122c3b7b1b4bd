// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.ValueLayout;

class MemfdTest {

    private static final long SIZE = 4L << 20;
    private static final long PAGE = 4096;

    @Test
    void sharesWhatIsWritten() {
        try (Memfd memory = Memfd.create("test", SIZE);
                Mapping one = memory.mapShared();
                Mapping other = memory.mapShared();
                Mapping copy = memory.mapCopyOnWrite();
                Mapping view = Mapping.readOnly(memory.fd(), 0, memory.sizeBytes())) {
            one.segment().set(ValueLayout.JAVA_LONG, PAGE, 42);
            assertThat(other.segment().get(ValueLayout.JAVA_LONG, PAGE)).isEqualTo(42);
            assertThat(view.segment().get(ValueLayout.JAVA_LONG, PAGE)).isEqualTo(42);
            copy.segment().set(ValueLayout.JAVA_LONG, PAGE, 43);
            assertThat(one.segment().get(ValueLayout.JAVA_LONG, PAGE)).isEqualTo(42);
            assertThatThrownBy(() -> view.segment().set(ValueLayout.JAVA_LONG, 0, 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void givesPagesBack() {
        try (Memfd memory = Memfd.create("test", SIZE);
                Mapping mapping = memory.mapShared()) {
            mapping.segment().fill((byte) 1);
            memory.punchHole(PAGE, PAGE);
            assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, PAGE - 1)).isEqualTo((byte) 1);
            assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, PAGE)).isZero();
            mapping.advise(Advice.REMOVE, 0, PAGE);
            assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
            assertThatThrownBy(() -> memory.punchHole(-PAGE, PAGE))
                    .hasMessageStartingWith("fallocate: EINVAL (22)");
        }
    }

    @Test
    void neverChangesItsSize() {
        try (Memfd memory = Memfd.create("test", SIZE)) {
            assertThat(Memfd.isSizeSealed(memory.fd())).isTrue();
            assertThat(Errno.of(Linux.call(Nr.FTRUNCATE, memory.fd().number(), PAGE, 0)))
                    .isEqualTo(Errno.EPERM);
        }
        try (Fd fd = Fd.open("/dev/null", Fd.O_RDWR)) {
            assertThat(Memfd.isSizeSealed(fd)).isFalse();
        }
    }

    @Test
    void refusesWhatCanNotBe() {
        assertThatThrownBy(() -> Memfd.create("n".repeat(250), SIZE))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("memfd_create: EINVAL (22)");
        assertThatThrownBy(() -> Memfd.create("test", -1))
                .hasMessageStartingWith("ftruncate: EINVAL (22)");
    }
}
