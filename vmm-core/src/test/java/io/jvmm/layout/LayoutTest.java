// SPDX-License-Identifier: Apache-2.0
package io.jvmm.layout;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class LayoutTest {

    @Test
    void areasAscendAndDoNotOverlap() {
        long end = 0;
        for (GuestLayout.Area area : GuestLayout.AREAS) {
            assertThat(area.size()).as(area.name()).isPositive();
            assertThat(area.gpa()).as(area.name()).isGreaterThanOrEqualTo(end);
            end = area.end();
        }
    }

    @Test
    void areasLieBelowTheKernelOrInTheHole() {
        for (GuestLayout.Area area : GuestLayout.AREAS) {
            boolean low = area.end() <= GuestLayout.KERNEL_MIN;
            boolean hole =
                    area.gpa() >= GuestLayout.MMIO_HOLE && area.end() <= GuestLayout.HIGH_MEMORY;
            assertThat(low || hole).as(area.name()).isTrue();
        }
    }

    @Test
    void portRangesAscendAndDoNotOverlap() {
        int end = 0;
        for (Ports.Range range : Ports.RANGES) {
            assertThat(range.port()).as(range.name()).isGreaterThanOrEqualTo(end);
            end = range.port() + range.size();
            assertThat(end).as(range.name()).isLessThanOrEqualTo(0x1_0000);
        }
    }

    @Test
    void interruptsDifferAndFitTheIoApic() {
        List<Integer> lines = List.of(Irqs.PIT, Irqs.PIT_IOAPIC_PIN, Irqs.COM1, Irqs.RTC, Irqs.SCI);
        assertThat(lines).doesNotHaveDuplicates();
        assertThat(lines).allMatch(line -> line >= 0 && line < Irqs.IOAPIC_PINS);
    }
}
