// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.I8042.*;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.atomic.AtomicInteger;

class I8042Test {

    private final AtomicInteger resets = new AtomicInteger();
    private final I8042 controller = new I8042(resets::incrementAndGet);

    private int answerTo(int command) {
        controller.writeByte(COMMAND, command);
        return controller.readByte(DATA);
    }

    @Test
    void linuxFindsNoControllerAfterSixteenBytes() {
        int emptied = 0;
        while ((controller.readByte(STATUS) & STATUS_OUTPUT_FULL) != 0 && emptied <= 16) {
            controller.readByte(DATA);
            emptied++;
        }

        assertThat(emptied).isEqualTo(17);
    }

    @Test
    void guestNeverWaitsBeforeACommand() {
        int inputFull = 0x02;
        assertThat(controller.readByte(STATUS) & inputFull).isZero();
        controller.writeByte(COMMAND, WRITE_CONFIG);
        assertThat(controller.readByte(STATUS) & inputFull).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {0xFE, 0xF0, 0xF2, 0xFC})
    void pulseOnTheResetLineResets(int command) {
        controller.writeByte(COMMAND, command);

        assertThat(resets).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0xFF, 0xFD, 0xF1, 0x00, 0x20, 0x60, 0xAA, 0xD1, 0xEE})
    void otherCommandsDoNotReset(int command) {
        controller.writeByte(COMMAND, command);

        assertThat(resets).hasValue(0);
    }

    @Test
    void resetCommandIsNoneOnTheDataPort() {
        controller.writeByte(DATA, 0xFE);

        assertThat(resets).hasValue(0);
    }

    @ParameterizedTest
    @CsvSource({"0xdf, 0", "0x03, 0", "0x01, 0", "0xde, 1", "0x00, 1", "0x02, 1"})
    void outputPortHasTheResetLineInBitZero(String value, int expected) {
        controller.writeByte(COMMAND, WRITE_OUTPUT_PORT);
        controller.writeByte(DATA, Integer.decode(value));

        assertThat(resets).hasValue(expected);
    }

    @ParameterizedTest
    @CsvSource({"0xaa, 0x55", "0xab, 0x02", "0xa9, 0x02", "0xc0, 0x80", "0x20, 0x34", "0xd0, 0x03"})
    void commandsAreAnswered(String command, String answer) {
        assertThat(answerTo(Integer.decode(command))).isEqualTo(Integer.decode(answer));
    }

    @Test
    void answerIsGivenOnce() {
        answerTo(SELF_TEST);

        assertThat(controller.readByte(DATA)).isEqualTo(0xFF);
    }

    @Test
    void configIsKept() {
        controller.writeByte(COMMAND, WRITE_CONFIG);
        controller.writeByte(DATA, 0x47);

        assertThat(answerTo(READ_CONFIG)).isEqualTo(0x47);
    }

    @ParameterizedTest
    @CsvSource({"0xa8, 0x14", "0xae, 0x24", "0xa7, 0x34", "0xad, 0x34"})
    void portsAreSwitchedInTheConfig(String command, String config) {
        controller.writeByte(COMMAND, Integer.decode(command));

        assertThat(answerTo(READ_CONFIG)).isEqualTo(Integer.decode(config));
    }

    @Test
    void parameterCountsOnce() {
        controller.writeByte(COMMAND, WRITE_CONFIG);
        controller.writeByte(DATA, 0x47);
        controller.writeByte(DATA, 0x00);

        assertThat(answerTo(READ_CONFIG)).isEqualTo(0x47);
    }

    @Test
    void newCommandForgetsTheParameterDue() {
        controller.writeByte(COMMAND, WRITE_OUTPUT_PORT);
        controller.writeByte(COMMAND, SELF_TEST);
        controller.writeByte(DATA, 0x00);

        assertThat(resets).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {WRITE_KEYBOARD_BUFFER, WRITE_AUX_BUFFER, WRITE_AUX})
    void dataForDevicesVanishes(int command) {
        I8042State before = controller.state();
        controller.writeByte(COMMAND, command);
        controller.writeByte(DATA, 0xF2);

        assertThat(controller.state()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 5, 1L << 32})
    void portsBetweenAreNobodys(long offset) {
        controller.writeByte(offset, 0xFE);

        assertThat(controller.readByte(offset)).isEqualTo(0xFF);
        assertThat(resets).hasValue(0);
    }

    @Test
    void restoredControllerKeepsItsAnswerAndItsParameter() {
        controller.writeByte(COMMAND, SELF_TEST);
        controller.writeByte(COMMAND, WRITE_CONFIG);
        I8042 restored = new I8042(resets::incrementAndGet);

        restored.restore(controller.state());
        restored.writeByte(DATA, 0x65);

        assertThat(restored.readByte(DATA)).isEqualTo(0x55);
        assertThat(restored.state().config()).isEqualTo(0x65);
        restored.reset();
        assertThat(restored.state()).isEqualTo(I8042State.POWER_ON);
    }
}
