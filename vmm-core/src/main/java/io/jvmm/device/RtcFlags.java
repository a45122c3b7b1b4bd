// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import java.time.Instant;

/**
 * Which interrupt flags of an MC146818 come up as time passes. Nothing watches the clock: whoever
 * wants to know asks, and gets what has come up since the last time.
 */
final class RtcFlags {

    static final int UPDATE = 0x10;
    static final int ALARM = 0x20;
    static final int PERIODIC = 0x40;

    private static final int RATE_MASK = 0x0F;
    private static final int CRYSTAL_HZ = 32_768;
    private static final int SECONDS_PER_DAY = 86_400;
    private static final int ANY = 0xC0; // an alarm register with both bits set matches all

    private Instant asked;

    RtcFlags(Instant start) {
        asked = start;
    }

    /** Returns the flags that came up since this was last asked. */
    int until(Instant now, int[] registers, RtcFormat format) {
        Instant since = asked;
        if (!now.isAfter(since)) {
            return 0; // the host's clock may step back
        }
        asked = now;
        int flags = 0;
        int rate = registers[CmosRtc.REGISTER_A] & RATE_MASK;
        if (rate != 0 && periods(now, rate) != periods(since, rate)) {
            flags |= PERIODIC;
        }
        if (now.getEpochSecond() != since.getEpochSecond()) {
            flags |= UPDATE;
            if (alarmBetween(since.getEpochSecond(), now.getEpochSecond(), registers, format)) {
                flags |= ALARM;
            }
        }
        return flags;
    }

    private static long periods(Instant time, int rate) {
        // Rates 1 and 2 are those of 8 and 9: the divider chain wraps there.
        int divisor = rate <= 2 ? rate + 7 : rate;
        long perSecond = CRYSTAL_HZ >> (divisor - 1);
        return time.getEpochSecond() * perSecond + time.getNano() * perSecond / 1_000_000_000;
    }

    /** Looks at each second passed; a day of them has all. */
    private static boolean alarmBetween(long after, long until, int[] registers, RtcFormat format) {
        long first = Math.max(after + 1, until - SECONDS_PER_DAY + 1);
        for (long second = first; second <= until; second++) {
            int ofDay = (int) Math.floorMod(second, (long) SECONDS_PER_DAY);
            if (matches(registers[CmosRtc.SECONDS_ALARM], format.number(ofDay % 60))
                    && matches(registers[CmosRtc.MINUTES_ALARM], format.number(ofDay / 60 % 60))
                    && matches(registers[CmosRtc.HOURS_ALARM], format.hours(ofDay / 3600))) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(int alarm, int time) {
        return (alarm & ANY) == ANY || alarm == time;
    }
}
