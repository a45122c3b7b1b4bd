// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.ClockData;
import io.jvmm.ffi.kvm.KvmConstants;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.OptionalLong;

/** Clocks that are read by a program which is held up for long between any two of its steps. */
class ClockPairTest {

    private static final int KHZ = 3_000_000;
    private static final long CALL_NANOS = 5_000;
    private static final long PAUSE_NANOS = 200_000_000;
    private static final long GUEST_BOOTED = 1_000_000_000L;
    private static final long OFFSET = -7_000_000_000L;

    /** What the kernel tells beside the values. */
    enum Host {
        /** Its own counter with kvmclock, and the guest's offset. */
        MASTER_CLOCK,
        /** No counter of its own: it does not trust it. */
        UNSTABLE,
        /** All of it, but the offset is not used. */
        OFFSET_IGNORED,
        /** An old one: no offset. */
        NO_OFFSET
    }

    /** A host whose time goes on with every call, and jumps before some. */
    private static final class Time {

        final Host host;
        final int pausesFrom;
        final int pauses;
        long nanos = 5_000_000_000L;
        int steps;

        Time(Host host, int pausesFrom, int pauses) {
            this.host = host;
            this.pausesFrom = pausesFrom;
            this.pauses = pauses;
        }

        private void step() {
            nanos += CALL_NANOS;
            if (steps >= pausesFrom && steps < pausesFrom + pauses) {
                nanos += PAUSE_NANOS;
            }
            steps++;
        }

        private long hostCounter() {
            return nanos * KHZ / 1_000_000;
        }

        ClockData clock() {
            step();
            int flags = host == Host.UNSTABLE ? 0 : KvmConstants.KVM_CLOCK_HOST_TSC;
            return new ClockData(nanos - GUEST_BOOTED, flags, 0, flags == 0 ? 0 : hostCounter());
        }

        ClockPair.Counter counter() {
            step();
            OptionalLong offset =
                    switch (host) {
                        case NO_OFFSET -> OptionalLong.empty();
                        case OFFSET_IGNORED -> OptionalLong.of(1L << 60);
                        default -> OptionalLong.of(OFFSET);
                    };
            step();
            return new ClockPair.Counter(offset, KHZ, OptionalLong.of(hostCounter() + OFFSET));
        }

        /** How far the counter is from where kvmclock says that it should be. */
        long skewNanos(ClockPair pair) {
            long expected = (pair.clock().nanoseconds() + GUEST_BOOTED) * KHZ / 1_000_000 + OFFSET;
            return Math.abs(pair.counter().getAsLong() - expected) * 1_000_000 / KHZ;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aPauseBetweenAnyTwoStepsDoesNotPartTheClocks(Host host) {
        for (int from = 0; from < 12; from++) {
            for (int pauses = 0; pauses < 12; pauses++) {
                Time time = new Time(host, from, pauses);
                ClockPair pair = ClockPair.read(time::clock, time::counter);
                assertThat(time.skewNanos(pair))
                        .as("%s, %d pauses from step %d on", host, pauses, from)
                        .isLessThanOrEqualTo(ClockPair.CLOSE_NANOS);
                assertThat(pair.isExact()).isEqualTo(host == Host.MASTER_CLOCK);
            }
        }
    }

    @Test
    void whereTheKernelTellsBothTheyAreReadOnce() {
        Time time = new Time(Host.MASTER_CLOCK, 1, 2);
        ClockPair pair = ClockPair.read(time::clock, time::counter);
        assertThat(time.skewNanos(pair)).isZero();
        assertThat(time.steps).isEqualTo(3);
    }

    @Test
    void aHostThatHasNoTimeForItIsReadAsCloselyAsItCanBe() {
        Time time = new Time(Host.UNSTABLE, 0, 1_000_000);
        ClockPair pair = ClockPair.read(time::clock, time::counter);
        assertThat(time.skewNanos(pair)).isLessThan(3 * PAUSE_NANOS);
        assertThat(time.steps).isLessThan(100);
    }

    @Test
    void withoutACounterThereIsNoneInThePair() {
        ClockPair.Counter none =
                new ClockPair.Counter(OptionalLong.empty(), KHZ, OptionalLong.empty());
        ClockPair pair = ClockPair.read(() -> ClockData.at(5), () -> none);
        assertThat(pair.counter()).isEmpty();
        assertThat(pair.clock().nanoseconds()).isEqualTo(5);
    }
}
