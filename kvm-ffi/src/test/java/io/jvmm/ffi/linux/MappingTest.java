// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

class MappingTest {

    private static final long PAGE = 4096;
    private static final long MIB = 1 << 20;
    private static final Path MAPS = Path.of("/proc/self/maps");

    @ParameterizedTest
    @ValueSource(longs = {PAGE, 3 * PAGE, MIB, 2 * MIB, 5 * MIB + PAGE})
    void isThereUntilItIsClosed(long sizeBytes) {
        Mapping mapping = Mapping.anonymous(sizeBytes);
        MemorySegment memory = mapping.segment();
        assertThat(mapping.sizeBytes()).isEqualTo(sizeBytes);
        memory.set(ValueLayout.JAVA_BYTE, sizeBytes - 1, (byte) 7);
        assertThat(memory.get(ValueLayout.JAVA_BYTE, sizeBytes - 1)).isEqualTo((byte) 7);

        mapping.close();
        mapping.close();

        assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0))
                .isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> mapping.advise(Advice.DONTNEED))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void unmapsWhenItIsClosed() throws IOException {
        try (Memfd memory = Memfd.create("unmaps-when-closed", 4 * MIB)) {
            Mapping mapping = memory.mapShared();
            assertThat(Files.readString(MAPS)).contains("unmaps-when-closed");
            mapping.close();
            assertThat(Files.readString(MAPS)).doesNotContain("unmaps-when-closed");
        }
    }

    @Test
    void alignsLargeMappingsToHugePages() {
        try (Mapping first = Mapping.anonymous(4 * MIB);
                Mapping second = Mapping.anonymous(2 * MIB + PAGE)) {
            assertThat(first.address() % Mapping.HUGE_PAGE_BYTES).isZero();
            assertThat(second.address() % Mapping.HUGE_PAGE_BYTES).isZero();
        }
    }

    @Test
    void leavesNoAddressesBehind() throws IOException {
        long before = mappings();
        for (int i = 0; i < 50; i++) {
            Mapping.anonymous(3 * MIB).close();
        }
        assertThat(mappings()).isLessThan(before + 25);
    }

    @Test
    void takesAdvice() {
        try (Mapping mapping = Mapping.anonymous(4 * MIB)) {
            mapping.advise(Advice.HUGEPAGE);
            mapping.advise(Advice.POPULATE_WRITE, PAGE, PAGE);
            mapping.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            mapping.advise(Advice.DONTNEED);
            assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
        }
    }

    @Test
    void namesTheAdviceThatWasRefused() {
        try (Mapping mapping = Mapping.anonymous(4 * PAGE)) {
            assertThatThrownBy(() -> mapping.advise(Advice.REMOVE))
                    .isInstanceOf(KernelException.class)
                    .hasMessageStartingWith("MADV_REMOVE: EINVAL (22)");
            assertThat(Errno.EINVAL.is(mapping.tryAdvise(Advice.DONTNEED, 1, PAGE))).isTrue();
            assertThatThrownBy(() -> mapping.advise(Advice.DONTNEED, 2 * PAGE, 4 * PAGE))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void refusesSizesThatCanNotBe() {
        assertThatThrownBy(() -> Mapping.anonymous(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Mapping.anonymous(1L << 60))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("mmap of anonymous memory: ENOMEM (12)");
        try (Fd fd = Fd.open("/dev/null", Fd.O_RDWR)) {
            assertThatThrownBy(() -> Mapping.shared(fd, 0, PAGE))
                    .hasMessageStartingWith("mmap /dev/null: ENODEV (19)");
            assertThatThrownBy(() -> Mapping.copyOnWrite(fd, 1, 4 * MIB))
                    .hasMessageStartingWith("mmap /dev/null: EINVAL (22)");
        }
    }

    private static long mappings() throws IOException {
        try (Stream<String> maps = Files.lines(MAPS)) {
            return maps.count();
        }
    }
}
