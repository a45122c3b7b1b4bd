// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SegmentTest {

    /** KVM refuses to enter a guest in which the two differ in code and stack. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void theSelectorTellsTheRing(int ring) {
        int selector = 0x30 | ring;
        assertThat(Segment.code64(selector).dpl()).isEqualTo(ring);
        assertThat(Segment.code32(selector).dpl()).isEqualTo(ring);
        assertThat(Segment.data(selector).dpl()).isEqualTo(ring);
        assertThat(Segment.data(selector).selector()).isEqualTo(selector);
    }
}
