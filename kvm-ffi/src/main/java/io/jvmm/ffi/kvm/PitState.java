// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/**
 * The timer in the kernel ({@code struct kvm_pit_state2}), a copy.
 *
 * @param timer counter 0, which interrupts
 * @param refresh counter 1, which does nothing any more
 * @param speaker counter 2
 * @param flags {@code KVM_PIT_FLAGS_*}
 */
public record PitState(Channel timer, Channel refresh, Channel speaker, int flags) {

    static final int SIZE = 112;
    static final long FLAGS = 72;

    /**
     * A counter ({@code struct kvm_pit_channel_state}); field names are the kernel's.
     *
     * @param count ticks of one period, 1 to 65536
     * @param countLoadTime when the count was written, in nanoseconds of the host's {@code
     *     CLOCK_MONOTONIC}
     */
    public record Channel(
            int count,
            int latchedCount,
            int countLatched,
            int statusLatched,
            int status,
            int readState,
            int writeState,
            int writeLatch,
            int rwMode,
            int mode,
            int bcd,
            int gate,
            long countLoadTime) {

        static final int SIZE = 24;
        static final long LATCHED_COUNT = 4;
        static final long COUNT_LATCHED = 6;
        static final long GATE = 15;
        static final long COUNT_LOAD_TIME = 16;

        /** This counter, loaded at another time. */
        public Channel loadedAt(long time) {
            return new Channel(
                    count,
                    latchedCount,
                    countLatched,
                    statusLatched,
                    status,
                    readState,
                    writeState,
                    writeLatch,
                    rwMode,
                    mode,
                    bcd,
                    gate,
                    time);
        }

        /** This counter in another mode, 0 to 5; in any other it does not count. */
        public Channel inMode(int newMode) {
            return new Channel(
                    count,
                    latchedCount,
                    countLatched,
                    statusLatched,
                    status,
                    readState,
                    writeState,
                    writeLatch,
                    rwMode,
                    newMode,
                    bcd,
                    gate,
                    countLoadTime);
        }

        private static Channel read(MemorySegment m, long at) {
            return new Channel(
                    m.get(JAVA_INT, at),
                    Short.toUnsignedInt(m.get(JAVA_SHORT, at + LATCHED_COUNT)),
                    number(m, at + COUNT_LATCHED),
                    number(m, at + COUNT_LATCHED + 1),
                    number(m, at + COUNT_LATCHED + 2),
                    number(m, at + COUNT_LATCHED + 3),
                    number(m, at + COUNT_LATCHED + 4),
                    number(m, at + COUNT_LATCHED + 5),
                    number(m, at + COUNT_LATCHED + 6),
                    number(m, at + COUNT_LATCHED + 7),
                    number(m, at + COUNT_LATCHED + 8),
                    number(m, at + GATE),
                    m.get(JAVA_LONG, at + COUNT_LOAD_TIME));
        }

        private void write(MemorySegment m, long at) {
            m.set(JAVA_INT, at, count);
            m.set(JAVA_SHORT, at + LATCHED_COUNT, (short) latchedCount);
            int[] bytes = {
                countLatched,
                statusLatched,
                status,
                readState,
                writeState,
                writeLatch,
                rwMode,
                mode,
                bcd,
                gate
            };
            for (int i = 0; i < bytes.length; i++) {
                m.set(JAVA_BYTE, at + COUNT_LATCHED + i, (byte) bytes[i]);
            }
            m.set(JAVA_LONG, at + COUNT_LOAD_TIME, countLoadTime);
        }

        private static int number(MemorySegment m, long at) {
            return Byte.toUnsignedInt(m.get(JAVA_BYTE, at));
        }
    }

    static PitState read(MemorySegment m) {
        return new PitState(
                Channel.read(m, 0),
                Channel.read(m, Channel.SIZE),
                Channel.read(m, 2 * Channel.SIZE),
                m.get(JAVA_INT, FLAGS));
    }

    void write(MemorySegment m) {
        timer.write(m, 0);
        refresh.write(m, Channel.SIZE);
        speaker.write(m, 2 * Channel.SIZE);
        m.set(JAVA_INT, FLAGS, flags);
    }
}
