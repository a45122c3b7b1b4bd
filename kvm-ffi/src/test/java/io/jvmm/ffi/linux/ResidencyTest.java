// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import org.junit.jupiter.api.Test;

class ResidencyTest {

    private static final long PAGE = 4096;
    // More than the call's own buffer holds.
    private static final long PAGES = 700;

    @Test
    void pagesAreThereOnceTheyWereTouchedOrPopulated() {
        try (Mapping memory = Mapping.anonymous(PAGES * PAGE)) {
            memory.tryAdvise(Advice.NOHUGEPAGE, 0, memory.sizeBytes());
            assertThat(Residency.isResident(memory.address(), PAGE)).isFalse();
            memory.segment().set(JAVA_BYTE, PAGE, (byte) 1);
            assertThat(Residency.isResident(memory.address() + PAGE, PAGE)).isTrue();
            assertThat(Residency.isResident(memory.address() + PAGE, 2 * PAGE)).isFalse();
            assertThat(Residency.tryPopulate(memory.address(), memory.sizeBytes())).isZero();
            assertThat(Residency.isResident(memory.address(), memory.sizeBytes())).isTrue();
            memory.advise(Advice.DONTNEED, (PAGES - 1) * PAGE, PAGE);
            assertThat(Residency.isResident(memory.address(), memory.sizeBytes())).isFalse();
        }
    }

    @Test
    void whatIsNotMappedIsToldByName() {
        assertThat(Residency.tryPopulate(PAGE, PAGE)).isEqualTo(-Errno.ENOMEM.number());
        assertThatThrownBy(() -> Residency.isResident(PAGE, PAGE))
                .isInstanceOf(KernelException.class)
                .hasMessageStartingWith("mincore: ENOMEM");
    }
}
