// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.CmosRtc.*;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;

class CmosRtcTest {

    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final int[] TIME = {
        RtcFormat.CENTURY,
        RtcFormat.YEAR,
        RtcFormat.MONTH,
        RtcFormat.DAY,
        RtcFormat.HOURS,
        RtcFormat.MINUTES,
        RtcFormat.SECONDS
    };

    private final AdjustableClock clock = new AdjustableClock("2026-11-20T17:58:09Z");
    private final CmosRtc rtc = new CmosRtc(clock);

    private static int read(CmosRtc rtc, int register) {
        rtc.writeByte(INDEX, register);
        return rtc.readByte(DATA);
    }

    private int read(int register) {
        return read(rtc, register);
    }

    private void write(int register, int value) {
        rtc.writeByte(INDEX, register);
        rtc.writeByte(DATA, value);
    }

    /** The registers of the time as hexadecimal digits: in BCD, the time in plain sight. */
    private static String time(CmosRtc rtc) {
        StringBuilder text = new StringBuilder();
        for (int register : TIME) {
            text.append("%02x".formatted(read(rtc, register)));
        }
        return text.toString();
    }

    private void setTime(String digits) {
        write(REGISTER_B, read(REGISTER_B) | B_SET);
        for (int i = 0; i < TIME.length; i++) {
            write(TIME[i], Integer.parseInt(digits, 2 * i, 2 * i + 2, 16));
        }
        write(REGISTER_B, read(REGISTER_B) & ~B_SET);
    }

    @Nested
    class Reading {

        @Test
        void givesUtcInBcd() {
            assertThat(time(rtc)).isEqualTo("20261120175809");
        }

        @Test
        void givesBinaryWhenAsked() {
            write(REGISTER_B, B_24_HOURS | B_BINARY);

            assertThat(time(rtc))
                    .isEqualTo("%02x%02x%02x%02x%02x%02x%02x", 20, 26, 11, 20, 17, 58, 9);
        }

        @ParameterizedTest
        @CsvSource({
            "00, 0x12",
            "01, 0x01",
            "11, 0x11",
            "12, 0x92",
            "13, 0x81",
            "22, 0x90",
            "23, 0x91"
        })
        void givesTwelveHoursWhenAsked(String hour, String register) {
            clock.set("2026-11-20T" + hour + ":00:00Z");
            write(REGISTER_B, 0);

            assertThat(read(RtcFormat.HOURS)).isEqualTo(Integer.decode(register));
        }

        @ParameterizedTest
        @CsvSource({
            "2026-11-22, 1",
            "2026-11-23, 2",
            "2026-11-24, 3",
            "2026-11-25, 4",
            "2026-11-26, 5",
            "2026-11-27, 6",
            "2026-11-28, 7"
        })
        void countsWeekdaysFromSunday(String date, int weekday) {
            clock.set(date + "T12:00:00Z");

            assertThat(read(RtcFormat.WEEKDAY)).isEqualTo(weekday);
        }

        @ParameterizedTest
        @CsvSource({"1999-12-31T23:59:59Z, 19991231235959", "2100-02-28T00:00:00Z, 21000228000000"})
        void knowsTheCentury(String instant, String digits) {
            clock.set(instant);

            assertThat(time(rtc)).isEqualTo(digits);
        }

        @Test
        void followsTheHost() {
            clock.advance(Duration.ofSeconds(111));

            assertThat(time(rtc)).isEqualTo("20261120180000");
        }

        @Test
        void indexIgnoresTheMaskOfNmi() {
            rtc.writeByte(INDEX, 0x80 | RtcFormat.MINUTES);

            assertThat(rtc.readByte(DATA)).isEqualTo(0x58);
        }

        @Test
        void indexDoesNotReadBack() {
            rtc.writeByte(INDEX, 9);

            assertThat(rtc.readByte(INDEX)).isEqualTo(0xFF);
            assertThat(rtc.readByte(2)).isEqualTo(0xFF);
        }

        @Test
        void oneWordWriteSelectsAndWrites() {
            rtc.write(INDEX, 2, 0x5A0F);

            assertThat(read(0x0F)).isEqualTo(0x5A);
        }
    }

    @Nested
    class UpdateInProgress {

        @ParameterizedTest
        @CsvSource({
            "0, 0x26",
            "500000000, 0x26",
            "999755999, 0x26",
            "999756000, 0xa6",
            "999999999, 0xa6"
        })
        void coversTheEndOfEachSecond(long nanos, String value) {
            clock.advance(Duration.ofNanos(nanos));

            assertThat(read(REGISTER_A)).isEqualTo(Integer.decode(value));
        }

        @Test
        void doesNotHappenWhileTheGuestSetsTheTime() {
            clock.advance(Duration.ofNanos(999_999_999));
            write(REGISTER_B, B_SET | B_24_HOURS);

            assertThat(read(REGISTER_A)).isEqualTo(0x26);
        }

        @Test
        void cannotBeWritten() {
            write(REGISTER_A, 0xFF);

            assertThat(read(REGISTER_A)).isEqualTo(0x7F);
        }
    }

    @Nested
    class Setting {

        @Test
        void movesTheClock() {
            setTime("20310704010203");
            clock.advance(Duration.ofMinutes(1));

            assertThat(time(rtc)).isEqualTo("20310704010303");
        }

        @Test
        void standsStillUntilItIsDone() {
            write(REGISTER_B, B_SET | B_24_HOURS);
            clock.advance(Duration.ofDays(1));

            assertThat(time(rtc)).isEqualTo("20261120175809");
        }

        @Test
        void takesBinary() {
            write(REGISTER_B, B_24_HOURS | B_BINARY);

            setTime("141f0704010203");

            write(REGISTER_B, B_24_HOURS);
            assertThat(time(rtc)).isEqualTo("20310704010203");
        }

        @ParameterizedTest
        @CsvSource({"12, 00", "01, 01", "11, 11", "92, 12", "81, 13", "91, 23"})
        void takesTwelveHours(String written, String hour) {
            write(REGISTER_B, 0);

            setTime("20310704" + written + "0203");

            write(REGISTER_B, B_24_HOURS);
            assertThat(time(rtc)).isEqualTo("20310704" + hour + "0203");
        }

        @Test
        void worksRegisterByRegisterToo() {
            write(RtcFormat.MINUTES, 0x30);
            write(RtcFormat.DAY, 0x05);

            assertThat(time(rtc)).isEqualTo("20261105173009");
        }

        @ParameterizedTest
        @CsvSource({
            "20260231000000, 20260303000000",
            "20261301000000, 20270101000000",
            "20260001000000, 20251201000000",
            "20260100000000, 20251231000000",
            "20260101240000, 20260102000000",
            "20260101006060, 20260101010100"
        })
        void countsOnFromWhatIsNoDate(String written, String read) {
            setTime(written);

            assertThat(time(rtc)).isEqualTo(read);
        }

        @ParameterizedTest
        @ValueSource(strings = {"ffffffffffffff", "00000000000000", "99999999999999"})
        void takesGarbage(String digits) {
            setTime(digits);

            assertThat(time(rtc)).hasSize(14);
        }

        @Test
        void clearsTheUpdateInterruptEnable() {
            write(REGISTER_B, B_SET | B_24_HOURS | B_UPDATE_INTERRUPT);

            assertThat(read(REGISTER_B)).isEqualTo(B_SET | B_24_HOURS);
        }
    }

    @Nested
    class Flags {

        @Test
        void updateComesWithANewSecond() {
            read(REGISTER_C);
            clock.advance(Duration.ofMillis(999));
            assertThat(read(REGISTER_C) & RtcFlags.UPDATE).isZero();

            clock.advance(Duration.ofMillis(1));

            assertThat(read(REGISTER_C) & RtcFlags.UPDATE).isEqualTo(RtcFlags.UPDATE);
            assertThat(read(REGISTER_C)).isZero();
        }

        @Test
        void enabledFlagShowsAnInterrupt() {
            write(REGISTER_B, B_24_HOURS | B_UPDATE_INTERRUPT);
            clock.advance(Duration.ofSeconds(1));

            assertThat(read(REGISTER_C) & (C_INTERRUPT | RtcFlags.UPDATE))
                    .isEqualTo(C_INTERRUPT | RtcFlags.UPDATE);
        }

        @ParameterizedTest
        @CsvSource({
            "6, 976562, 976563",
            "15, 499999999, 500000000",
            "1, 3906249, 3906250",
            "3, 122070, 122071"
        })
        void periodicComesWithItsRate(int rate, long early, long due) {
            write(REGISTER_A, 0x20 | rate);
            clock.advance(Duration.ofNanos(early));
            assertThat(read(REGISTER_C) & RtcFlags.PERIODIC).isZero();

            clock.advance(Duration.ofNanos(due - early));

            assertThat(read(REGISTER_C) & RtcFlags.PERIODIC).isEqualTo(RtcFlags.PERIODIC);
        }

        @Test
        void periodicIsOffAtRateZero() {
            write(REGISTER_A, 0x20);
            read(REGISTER_C);
            clock.advance(Duration.ofHours(1));

            assertThat(read(REGISTER_C) & RtcFlags.PERIODIC).isZero();
        }

        private void alarm(int hours, int minutes, int seconds) {
            write(HOURS_ALARM, hours);
            write(MINUTES_ALARM, minutes);
            write(SECONDS_ALARM, seconds);
            read(REGISTER_C);
        }

        @Test
        void alarmComesAtItsTime() {
            alarm(0x18, 0x00, 0x05);
            clock.advance(Duration.ofSeconds(115));
            assertThat(read(REGISTER_C) & RtcFlags.ALARM).isZero();

            clock.advance(Duration.ofSeconds(1));

            assertThat(read(REGISTER_C) & RtcFlags.ALARM).isEqualTo(RtcFlags.ALARM);
        }

        @Test
        void alarmIsNotMissedBetweenTwoLooks() {
            alarm(0x18, 0x00, 0x05);
            clock.advance(Duration.ofDays(400));

            assertThat(read(REGISTER_C) & RtcFlags.ALARM).isEqualTo(RtcFlags.ALARM);
        }

        @Test
        void alarmWithoutCareComesEachMinute() {
            alarm(0xFF, 0xC0, 0x00);
            clock.advance(Duration.ofSeconds(51));

            assertThat(read(REGISTER_C) & RtcFlags.ALARM).isEqualTo(RtcFlags.ALARM);
        }

        @Test
        void alarmThatIsNoTimeNeverComes() {
            alarm(0x25, 0x00, 0x00);
            clock.advance(Duration.ofDays(2));

            assertThat(read(REGISTER_C) & RtcFlags.ALARM).isZero();
        }

        @Test
        void alarmRegistersReadBack() {
            alarm(0x12, 0x34, 0x56);

            assertThat(read(HOURS_ALARM)).isEqualTo(0x12);
            assertThat(read(MINUTES_ALARM)).isEqualTo(0x34);
            assertThat(read(SECONDS_ALARM)).isEqualTo(0x56);
        }

        @Test
        void hostClockThatStepsBackGivesNoFlags() {
            read(REGISTER_C);
            clock.advance(Duration.ofHours(-1));

            assertThat(read(REGISTER_C)).isZero();
        }

        @Test
        void registersCAndDAreReadOnly() {
            write(REGISTER_C, 0xFF);
            write(REGISTER_D, 0x00);

            assertThat(read(REGISTER_C)).isZero();
            assertThat(read(REGISTER_D)).isEqualTo(D_VALID);
        }
    }

    @Nested
    class MemorySize {

        private int word(CmosRtc of, int register) {
            return read(of, register) | read(of, register + 1) << 8;
        }

        @ParameterizedTest
        @CsvSource({
            // MiB below 4 GiB, GiB above; KiB base, KiB extended, 64 KiB units above 16 MiB
            "0, 0, 0, 0, 0, 0",
            "16, 0, 640, 15360, 0, 0",
            "64, 0, 640, 64512, 768, 0",
            "128, 0, 640, 65535, 1792, 0",
            "3072, 1, 640, 65535, 48896, 16384",
            "3072, 300, 640, 65535, 48896, 4915200"
        })
        void isWhereFirmwareLeavesIt(
                long below, long above, int base, int extended, int high, int far) {
            CmosRtc sized = new CmosRtc(clock, below * MIB, above * GIB);

            assertThat(word(sized, 0x15)).isEqualTo(base);
            assertThat(word(sized, 0x17)).isEqualTo(extended);
            assertThat(word(sized, 0x30)).isEqualTo(extended);
            assertThat(word(sized, 0x34)).isEqualTo(high);
            assertThat(word(sized, 0x5B) | read(sized, 0x5D) << 16).isEqualTo(far);
        }

        @Test
        void doesNotCoverTheCentury() {
            CmosRtc sized = new CmosRtc(clock, 3 * GIB, GIB);

            assertThat(time(sized)).isEqualTo("20261120175809");
        }
    }

    @Nested
    class Memory {

        @ParameterizedTest
        @ValueSource(ints = {0x0E, 0x0F, 0x10, 0x2F, 0x33, 0x40, 0x7F})
        void isKept(int register) {
            write(register, 0xA5);

            assertThat(read(register)).isEqualTo(0xA5);
        }

        @Test
        void shutdownStatusSurvivesARestore() {
            write(0x0F, 0x0A);
            CmosRtc restored = new CmosRtc(clock);

            restored.restore(rtc.state());

            assertThat(read(restored, 0x0F)).isEqualTo(0x0A);
        }
    }

    @Nested
    class StateRecord {

        @Test
        void keepsTheDistanceFromTheHost() {
            setTime("20310704010203");
            AdjustableClock later = new AdjustableClock("2026-11-21T17:58:09Z");
            CmosRtc restored = new CmosRtc(later);

            restored.restore(rtc.state());

            assertThat(time(restored)).isEqualTo("20310705010203");
        }

        @Test
        void keepsATimeThatIsBeingSet() {
            write(REGISTER_B, B_SET | B_24_HOURS);
            write(RtcFormat.YEAR, 0x99);
            CmosRtc restored = new CmosRtc(clock);

            restored.restore(rtc.state());

            assertThat(restored.state()).isEqualTo(rtc.state());
            assertThat(time(restored)).isEqualTo("20991120175809");
        }

        @Test
        void keepsFlagsThatNobodyRead() {
            clock.advance(Duration.ofSeconds(1));
            CmosRtc restored = new CmosRtc(clock);

            restored.restore(rtc.state());

            assertThat(read(restored, REGISTER_C)).isEqualTo(RtcFlags.UPDATE | RtcFlags.PERIODIC);
        }
    }
}
