// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * The clock that KVM shows to a guest ({@code struct kvm_clock_data}), a copy.
 *
 * @param nanoseconds since the machine was made, as the guest sees it
 * @param flags {@code KVM_CLOCK_*}: which of the others count
 * @param realtime the host's {@code CLOCK_REALTIME} at the same moment, in nanoseconds
 * @param hostTsc the host's time stamp counter at the same moment
 */
public record ClockData(long nanoseconds, int flags, long realtime, long hostTsc) {

    static final int SIZE = 48;
    static final long CLOCK = 0;
    static final long FLAGS = 8;
    static final long REALTIME = 16;
    static final long HOST_TSC = 24;

    /** The clock at a value, to go on from there. */
    public static ClockData at(long nanoseconds) {
        return new ClockData(nanoseconds, 0, 0, 0);
    }

    /** Whether {@link #realtime} counts. */
    public boolean hasRealtime() {
        return (flags & KvmConstants.KVM_CLOCK_REALTIME) != 0;
    }

    /** Whether {@link #hostTsc} counts: only while the guest's clock runs by that counter. */
    public boolean hasHostTsc() {
        return (flags & KvmConstants.KVM_CLOCK_HOST_TSC) != 0;
    }

    static ClockData read(MemorySegment m) {
        return new ClockData(
                m.get(JAVA_LONG, CLOCK),
                m.get(JAVA_INT, FLAGS),
                m.get(JAVA_LONG, REALTIME),
                m.get(JAVA_LONG, HOST_TSC));
    }

    void write(MemorySegment m) {
        m.set(JAVA_LONG, CLOCK, nanoseconds);
        m.set(JAVA_INT, FLAGS, flags);
        m.set(JAVA_LONG, REALTIME, realtime);
        m.set(JAVA_LONG, HOST_TSC, hostTsc);
    }
}
