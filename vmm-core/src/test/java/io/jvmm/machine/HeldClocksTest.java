package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmConstants;

import org.junit.jupiter.api.Test;

import java.util.OptionalLong;

class HeldClocksTest {

    private static final int KHZ = 3_000_000;
    private static final long HOST = 7_000_000_000L;
    private static final OptionalLong OFFSET = OptionalLong.of(-1_000_000_000L);
    private static final long THEN = 6_000_000_000L;
    private static final ClockData CLOCK =
            new ClockData(5_000, KvmConstants.KVM_CLOCK_HOST_TSC, 0, HOST);

    @Test
    void theCounterIsThatOfTheMomentAtWhichTheClockWasReadHoweverLateItIsReadItself() {
        assertThat(HeldClocks.counterAt(CLOCK, OFFSET, KHZ, later(0))).hasValue(THEN);
        assertThat(HeldClocks.counterAt(CLOCK, OFFSET, KHZ, later(100_000))).hasValue(THEN);
    }

    @Test
    void anOffsetThatTheKernelKeepsAndIgnoresIsNotBelieved() {
        assertThat(HeldClocks.counterAt(CLOCK, OFFSET, KHZ, later(3_600_000)))
                .isEqualTo(later(3_600_000));
        assertThat(HeldClocks.counterAt(CLOCK, OFFSET, KHZ, later(-1))).isEqualTo(later(-1));
    }

    @Test
    void theLaterReadingHasToDoWhereTheKernelTellsNoMore() {
        ClockData bare = ClockData.at(5_000);
        assertThat(HeldClocks.counterAt(bare, OFFSET, KHZ, later(5))).isEqualTo(later(5));
        assertThat(HeldClocks.counterAt(CLOCK, OptionalLong.empty(), KHZ, later(5)))
                .isEqualTo(later(5));
        assertThat(HeldClocks.counterAt(CLOCK, OFFSET, KHZ, OptionalLong.empty())).isEmpty();
    }

    @Test
    void ticksOfAYearDoNotOverflow() {
        long year = 365L * 24 * 3600 * 1_000_000_000;
        assertThat(HeldClocks.ticks(year, KHZ)).isEqualTo(3 * year);
        assertThat(HeldClocks.ticks(-year, KHZ)).isEqualTo(-3 * year);
        assertThat(HeldClocks.ticks(1_500_000, 2_000_001)).isEqualTo(3_000_001);
    }

    private static OptionalLong later(long millis) {
        return OptionalLong.of(THEN + millis * KHZ);
    }
}
