// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.AcpiPm.*;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

class AcpiPmTest {

    private final RecordingLine sci = new RecordingLine();
    private final AtomicInteger powerOffs = new AtomicInteger();
    private final AtomicLong nanos = new AtomicLong(-5_000);
    private final AcpiPm pm = new AcpiPm(sci, powerOffs::incrementAndGet, nanos::get);

    @Test
    void isInAcpiModeFromTheStart() {
        assertThat(pm.read(CONTROL, 2)).isEqualTo(SCI_EN);
        pm.write(CONTROL, 2, 0);
        assertThat(pm.read(CONTROL, 2)).isEqualTo(SCI_EN);
    }

    @Test
    void sleepTypeFiveSwitchesOff() {
        pm.write(CONTROL, 2, 0x3400);

        assertThat(powerOffs).hasValue(1);
    }

    @Test
    void linuxSwitchesOffInTwoSteps() {
        pm.write(CONTROL, 2, 0x1401);
        assertThat(powerOffs).hasValue(0);

        pm.write(CONTROL, 2, 0x3401);

        assertThat(powerOffs).hasValue(1);
    }

    @Test
    void byteWriteSwitchesOffToo() {
        pm.write(CONTROL + 1, 1, 0x34);

        assertThat(powerOffs).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0x2000, 0x2400, 0x2800, 0x2C00, 0x3000, 0x3800, 0x3C00, 0x1400})
    void nothingElseSwitchesOff(int value) {
        pm.write(CONTROL, 2, value);

        assertThat(powerOffs).hasValue(0);
    }

    @ParameterizedTest
    @CsvSource({"0xffff, 0x1c03", "0x1400, 0x1401", "0x0002, 0x0003", "0x0004, 0x0001"})
    void controlKeepsTheBitsThatExist(String written, String read) {
        pm.write(CONTROL, 2, Integer.decode(written));

        assertThat(pm.read(CONTROL, 2)).isEqualTo(Long.decode(read));
    }

    @ParameterizedTest
    @CsvSource({"0xffff, 0x0721", "0x0100, 0x0100", "0xf8de, 0x0000"})
    void enableKeepsTheBitsThatExist(String written, String read) {
        pm.write(ENABLE, 2, Integer.decode(written));

        assertThat(pm.read(ENABLE, 2)).isEqualTo(Long.decode(read));
    }

    @Test
    void statusCannotBeSetByWriting() {
        pm.write(STATUS, 2, 0xFFFF);

        assertThat(pm.read(STATUS, 2)).isZero();
    }

    @Test
    void buttonRaisesTheInterruptWhenEnabled() {
        pm.write(ENABLE, 2, PWRBTN);

        assertThat(pm.pressPowerButton()).isTrue();

        assertThat(sci.high()).isTrue();
        assertThat(pm.read(STATUS, 2)).isEqualTo(PWRBTN);
    }

    @Test
    void writingOneToTheButtonLowersTheInterrupt() {
        pm.write(ENABLE, 2, PWRBTN);
        pm.pressPowerButton();

        pm.write(STATUS, 2, PWRBTN);

        assertThat(sci.high()).isFalse();
        assertThat(pm.read(STATUS, 2)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0x0000, 2", "0xfeff, 2", "0xff, 1"})
    void writingZeroToTheButtonKeepsIt(String value, int size) {
        pm.pressPowerButton();

        pm.write(STATUS, size, Integer.decode(value));

        assertThat(pm.read(STATUS, 2)).isEqualTo(PWRBTN);
    }

    @Test
    void buttonIsSilentUntilEnabled() {
        assertThat(pm.pressPowerButton()).isFalse();
        assertThat(sci.high()).isFalse();

        pm.write(ENABLE, 2, PWRBTN);

        assertThat(sci.high()).isTrue();
    }

    @Test
    void disablingLowersTheInterrupt() {
        pm.write(ENABLE, 2, PWRBTN);
        pm.pressPowerButton();

        pm.write(ENABLE, 2, 0);

        assertThat(sci.high()).isFalse();
        assertThat(pm.read(STATUS, 2)).isEqualTo(PWRBTN);
    }

    @Test
    void secondPressBeforeTheAnswerIsTheSamePress() {
        pm.write(ENABLE, 2, PWRBTN);
        pm.pressPowerButton();
        pm.pressPowerButton();

        assertThat(sci.calls()).isEqualTo(1);
    }

    @Test
    void oneWideWriteDoesStatusAndEnableTogether() {
        pm.pressPowerButton();

        pm.write(STATUS, 4, (long) PWRBTN << 16 | PWRBTN);

        assertThat(pm.read(STATUS, 4)).isEqualTo((long) PWRBTN << 16);
        assertThat(sci.edges()).isZero();
    }

    @Test
    void byteReadsGiveTheParts() {
        pm.write(ENABLE, 2, PWRBTN | GBL);

        assertThat(pm.read(ENABLE, 1)).isEqualTo(0x20);
        assertThat(pm.read(ENABLE + 1, 1)).isEqualTo(0x01);
        assertThat(pm.read(0, 8)).isEqualTo(0xFFFF_0001_0120_0000L & 0x0000_FFFF_FFFF_FFFFL);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1000, 3",
        "1000000, 3579",
        "1000000000, 3579545",
        "3600000000000, 1542",
    })
    void timerRunsAtItsFrequency(long elapsedNanos, long expected) {
        nanos.addAndGet(elapsedNanos);

        long ticks = pm.read(TIMER, 4);

        long hour = 3600L * TIMER_HZ & 0xFFFF_FFFFL;
        assertThat(ticks).isEqualTo(elapsedNanos > 1_000_000_000L ? hour : expected);
    }

    @Test
    void timerDoesNotOverflowInYears() {
        nanos.addAndGet(TimeUnit.DAYS.toNanos(3650));

        assertThat(pm.read(TIMER, 4)).isEqualTo(3650L * 86_400 * TIMER_HZ & 0xFFFF_FFFFL);
    }

    @Test
    void timerIsReadOnly() {
        nanos.addAndGet(1_000_000_000);
        pm.write(TIMER, 4, 0);

        assertThat(pm.read(TIMER, 4)).isEqualTo(TIMER_HZ);
    }

    @ParameterizedTest
    @ValueSource(longs = {12, 13, 1L << 40})
    void nothingIsBeyondTheBlocks(long offset) {
        pm.write(offset, 1, 0xFF);

        assertThat(pm.read(offset, 1)).isEqualTo(0xFF);
        assertThat(powerOffs).hasValue(0);
    }

    @Test
    void restoredBlocksGoOn() {
        pm.write(ENABLE, 2, PWRBTN);
        pm.write(CONTROL, 2, 0x1400);
        pm.pressPowerButton();
        nanos.addAndGet(2_000_000_000L);
        AcpiPmState state = pm.state();
        RecordingLine otherSci = new RecordingLine();
        AtomicLong otherNanos = new AtomicLong(77);
        AcpiPm restored = new AcpiPm(otherSci, powerOffs::incrementAndGet, otherNanos::get);

        restored.restore(state);
        otherNanos.addAndGet(1_000_000_000L);

        assertThat(otherSci.high()).isTrue();
        assertThat(restored.read(0, 8)).isEqualTo(pm.read(0, 8));
        assertThat(restored.read(TIMER, 4)).isEqualTo(3L * TIMER_HZ);
        assertThat(powerOffs).hasValue(0);
    }

    @Test
    void resetLowersTheInterrupt() {
        pm.write(ENABLE, 2, PWRBTN);
        pm.pressPowerButton();

        pm.reset();

        assertThat(sci.high()).isFalse();
        assertThat(pm.state()).isEqualTo(AcpiPmState.POWER_ON);
    }

    @Test
    void aStateThatIsOlderHasATimerThatWentOn() {
        AcpiPmState state = new AcpiPmState(0, 0x100, 0, 0xFFFF_FFFF);

        assertThat(state.after(1_000_000_000L))
                .isEqualTo(new AcpiPmState(0, 0x100, 0, AcpiPm.TIMER_HZ - 1));
        assertThat(state.after(0)).isEqualTo(state);
    }
}
