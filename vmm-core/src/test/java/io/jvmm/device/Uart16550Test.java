// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static io.jvmm.device.Uart16550.*;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.List;

class Uart16550Test {

    private static final int FIFO_ON_TRIGGER_1 = 0x01;
    private static final int IDLE = LSR_THRE | LSR_TEMT;

    private final Uart16550 uart = new Uart16550();

    private int receive(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return uart.receive(bytes, 0, bytes.length);
    }

    private int identity() {
        return uart.read(IIR) & 0x0F;
    }

    @Nested
    class AfterPowerOn {

        @ParameterizedTest
        @CsvSource({
            "0, 0x00", "1, 0x00", "2, 0x01", "3, 0x00", "4, 0x00", "5, 0x60", "6, 0xb0", "7, 0x00"
        })
        void registersHaveTheirResetValues(int offset, String value) {
            assertThat(uart.read(offset)).isEqualTo(Integer.decode(value));
        }

        @Test
        void noInterruptIsRequested() {
            assertThat(uart.interruptRequested()).isFalse();
        }

        @ParameterizedTest
        @ValueSource(ints = {8, 9, 100, Integer.MAX_VALUE, -1, Integer.MIN_VALUE})
        void offsetsBeyondTheRegistersAreNobodys(int offset) {
            assertThat(uart.read(offset)).isEqualTo(0xFF);
            assertThat(uart.write(offset, 0x55)).isEqualTo(NOTHING);
            assertThat(uart.state()).isEqualTo(UartState.POWER_ON);
        }
    }

    @Nested
    class PlainRegisters {

        @ParameterizedTest
        @CsvSource({
            "1, 0xff, 0x0f", "1, 0x40, 0x00", "3, 0xff, 0xff", "3, 0x1b, 0x1b",
            "4, 0xff, 0x1f", "4, 0x0b, 0x0b", "7, 0xff, 0xff", "7, 0xa5, 0xa5"
        })
        void keepTheBitsThatTheChipHas(int offset, String written, String read) {
            uart.write(offset, Integer.decode(written));

            assertThat(uart.read(offset)).isEqualTo(Integer.decode(read));
        }

        @Test
        void divisorLatchIsReachedByDlabOnly() {
            uart.write(IER, IER_MS);
            uart.write(LCR, LCR_DLAB | 3);
            assertThat(uart.write(DLL, 0x34)).isEqualTo(NOTHING);
            uart.write(DLM, 0x12);

            assertThat(uart.read(DLL)).isEqualTo(0x34);
            assertThat(uart.read(DLM)).isEqualTo(0x12);
            uart.write(LCR, 3);
            assertThat(uart.read(RBR)).isZero();
            assertThat(uart.read(IER)).isEqualTo(IER_MS);
            assertThat(uart.state().divisor()).isEqualTo(0x1234);
        }

        @ParameterizedTest
        @ValueSource(ints = {LSR, MSR})
        void statusRegistersIgnoreWrites(int offset) {
            int before = uart.read(offset);

            uart.write(offset, 0xFF);

            assertThat(uart.read(offset)).isEqualTo(before);
            assertThat(uart.interruptRequested()).isFalse();
        }

        @Test
        void highBitsOfAWrittenValueDoNotCount() {
            uart.write(SCR, 0xABCD);

            assertThat(uart.read(SCR)).isEqualTo(0xCD);
        }
    }

    @Nested
    class Transmitter {

        @ParameterizedTest
        @ValueSource(ints = {0x00, 0x41, 0x7F, 0x80, 0xFF})
        void passesEveryByte(int value) {
            assertThat(uart.write(THR, value)).isEqualTo(value);
        }

        @Test
        void isAlwaysReady() {
            for (int i = 0; i < 100; i++) {
                assertThat(uart.read(LSR)).isEqualTo(IDLE);
                uart.write(THR, i);
            }
        }

        @Test
        void interruptComesWithItsEnabling() {
            uart.write(IER, IER_THRE);

            assertThat(uart.interruptRequested()).isTrue();
            assertThat(identity()).isEqualTo(IIR_THRE);
        }

        @Test
        void interruptIsAcknowledgedByReadingIir() {
            uart.write(IER, IER_THRE);
            identity();

            assertThat(uart.interruptRequested()).isFalse();
            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @Test
        void interruptFollowsEachWrite() {
            uart.write(IER, IER_THRE);
            identity();

            uart.write(THR, 'a');

            assertThat(identity()).isEqualTo(IIR_THRE);
            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @Test
        void interruptComesAgainWhenEnabledAgain() {
            uart.write(IER, IER_THRE);
            identity();
            uart.write(IER, 0);

            uart.write(IER, IER_THRE);

            assertThat(identity()).isEqualTo(IIR_THRE);
        }

        @Test
        void interruptDoesNotComeAgainWhenItStaysEnabled() {
            uart.write(IER, IER_THRE);
            identity();

            uart.write(IER, IER_THRE | IER_MS);

            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @Test
        void interruptIsNotAcknowledgedWhileAnotherIsShown() {
            uart.write(IER, IER_THRE | IER_RDA);
            receive("x");

            assertThat(identity()).isEqualTo(IIR_RDA);
            uart.read(RBR);

            assertThat(identity()).isEqualTo(IIR_THRE);
        }

        @Test
        void interruptStaysSilentWhenDisabled() {
            uart.write(THR, 'a');

            assertThat(uart.interruptRequested()).isFalse();
        }
    }

    @Nested
    class ReceiverWithoutFifo {

        @Test
        void holdsOneCharacter() {
            assertThat(receive("ab")).isEqualTo(1);
            assertThat(receive("b")).isZero();
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR);
            assertThat(uart.read(RBR)).isEqualTo('a');
            assertThat(uart.read(LSR)).isEqualTo(IDLE);
            assertThat(receive("b")).isEqualTo(1);
        }

        @Test
        void interruptsForEachCharacter() {
            uart.write(IER, IER_RDA);

            receive("a");

            assertThat(uart.read(IIR)).isEqualTo(IIR_RDA);
            assertThat(uart.read(IIR)).isEqualTo(IIR_RDA);
            uart.read(RBR);
            assertThat(uart.read(IIR)).isEqualTo(IIR_NONE);
        }

        @Test
        void readWithoutACharacterGivesZero() {
            assertThat(uart.read(RBR)).isZero();
        }
    }

    @Nested
    class ReceiverWithFifo {

        @Test
        void showsTheFifoInIir() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            assertThat(uart.read(IIR)).isEqualTo(0xC1);

            uart.write(FCR, 0);
            assertThat(uart.read(IIR)).isEqualTo(0x01);
        }

        @Test
        void holdsSixteenCharactersInOrder() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);

            assertThat(receive("0123456789abcdefgh")).isEqualTo(16);
            assertThat(uart.room()).isZero();
            for (char c : "0123456789abcdef".toCharArray()) {
                assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR);
                assertThat(uart.read(RBR)).isEqualTo(c);
            }
            assertThat(uart.read(LSR)).isEqualTo(IDLE);
        }

        @Test
        void goesRoundItsRing() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);

            for (int i = 0; i < 1000; i++) {
                assertThat(receive("%03d".formatted(i))).isEqualTo(3);
                assertThat(uart.read(RBR)).isEqualTo('0' + i / 100);
                assertThat(uart.read(RBR)).isEqualTo('0' + i / 10 % 10);
                assertThat(uart.read(RBR)).isEqualTo('0' + i % 10);
            }
        }

        @ParameterizedTest
        @CsvSource({"0x01, 1", "0x41, 4", "0x81, 8", "0xc1, 14"})
        void interruptsAtTheTriggerLevelAndTimesOutBelow(String control, int level) {
            uart.write(FCR, Integer.decode(control));
            uart.write(IER, IER_RDA);

            for (int count = 1; count <= 16; count++) {
                receive("x");
                assertThat(identity()).isEqualTo(count >= level ? IIR_RDA : IIR_TIMEOUT);
            }
            for (int count = 15; count > 0; count--) {
                uart.read(RBR);
                assertThat(identity()).isEqualTo(count >= level ? IIR_RDA : IIR_TIMEOUT);
            }
            uart.read(RBR);
            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @ParameterizedTest
        @ValueSource(ints = {0x03, 0x00, 0xC3, 0x07})
        void isEmptiedByClearingAndBySwitching(int control) {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            uart.write(IER, IER_RDA);
            receive("abc");

            uart.write(FCR, control);

            assertThat(uart.read(LSR) & LSR_DR).isZero();
            assertThat(uart.interruptRequested()).isFalse();
        }

        @ParameterizedTest
        @ValueSource(ints = {0x01, 0x05, 0x41, 0xC1})
        void survivesOtherControlWrites(int control) {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            receive("abc");

            uart.write(FCR, control);

            assertThat(uart.read(RBR)).isEqualTo('a');
        }

        @Test
        void triggerIsNotProgrammedWithoutTheEnableBit() {
            uart.write(FCR, 0xC0);

            assertThat(uart.state().fcr()).isZero();
        }

        @Test
        void switchingOnDropsTheBufferedCharacter() {
            receive("a");

            uart.write(FCR, FIFO_ON_TRIGGER_1);

            assertThat(uart.read(LSR) & LSR_DR).isZero();
        }

        @Test
        void wantsMoreFromHalfEmptyOn() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            receive("0123456789abcdef");

            for (int left = 15; left >= 0; left--) {
                uart.read(RBR);
                assertThat(uart.wantsMore()).as("%d left", left).isEqualTo(left <= 8);
            }
        }
    }

    @Nested
    class Break {

        @Test
        void isAZeroCharacterWithItsMark() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);

            uart.receiveBreak();

            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_BI | LSR_FIFO_ERROR);
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR);
            assertThat(uart.read(RBR)).isZero();
            assertThat(uart.read(LSR)).isEqualTo(IDLE);
        }

        @Test
        void hasNoFifoErrorBitWithoutFifo() {
            uart.receiveBreak();

            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_BI);
        }

        @Test
        void isALineStatusInterruptUntilLsrIsRead() {
            uart.write(IER, IER_RLS);

            uart.receiveBreak();

            assertThat(identity()).isEqualTo(IIR_RLS);
            assertThat(identity()).isEqualTo(IIR_RLS);
            uart.read(LSR);
            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @Test
        void showsWhenItsCharacterIsNext() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            receive("ab");
            uart.receiveBreak();
            receive("c");

            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_FIFO_ERROR);
            assertThat(uart.read(RBR)).isEqualTo('a');
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_FIFO_ERROR);
            assertThat(uart.read(RBR)).isEqualTo('b');
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_BI | LSR_FIFO_ERROR);
            assertThat(uart.read(RBR)).isZero();
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR);
            assertThat(uart.read(RBR)).isEqualTo('c');
        }

        @Test
        void waitsForRoomAheadOfFurtherCharacters() {
            receive("a");
            uart.receiveBreak();
            uart.receiveBreak();

            assertThat(receive("b")).isZero();
            assertThat(uart.read(RBR)).isEqualTo('a');
            assertThat(uart.read(LSR) & LSR_BI).isEqualTo(LSR_BI);
            assertThat(uart.read(RBR)).isZero();
            assertThat(uart.read(LSR) & LSR_BI).isZero();
            assertThat(receive("b")).isEqualTo(1);
        }

        @Test
        void hasPriorityOverData() {
            uart.write(IER, IER_MASK);
            uart.receiveBreak();

            assertThat(identity()).isEqualTo(IIR_RLS);
            uart.read(LSR);
            assertThat(identity()).isEqualTo(IIR_RDA);
            uart.read(RBR);
            assertThat(identity()).isEqualTo(IIR_THRE);
            assertThat(identity()).isEqualTo(IIR_NONE);
        }
    }

    @Nested
    class Loopback {

        @ParameterizedTest
        @CsvSource({
            "0x00, 0x00",
            "0x01, 0x20", // DTR is DSR
            "0x02, 0x10", // RTS is CTS
            "0x04, 0x40", // OUT1 is RI
            "0x08, 0x80", // OUT2 is DCD
            "0x0a, 0x90", // the combination that Linux tests
            "0x0f, 0xf0"
        })
        void modemControlReturnsAsModemStatus(String control, String status) {
            uart.write(MCR, MCR_LOOP | Integer.decode(control));

            assertThat(uart.read(MSR) & MSR_LINES).isEqualTo(Integer.decode(status));
        }

        @Test
        void sentCharactersAreReceivedAndDoNotLeave() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            uart.write(MCR, MCR_LOOP);

            assertThat(uart.write(THR, 'a')).isEqualTo(NOTHING);
            assertThat(uart.write(THR, 'b')).isEqualTo(NOTHING);

            assertThat(uart.read(RBR)).isEqualTo('a');
            assertThat(uart.read(RBR)).isEqualTo('b');
        }

        @Test
        void interruptsForItsOwnCharacters() {
            uart.write(IER, IER_RDA);
            uart.write(MCR, MCR_LOOP);

            uart.write(THR, 'a');

            assertThat(identity()).isEqualTo(IIR_RDA);
        }

        @Test
        void overrunKeepsTheFifoAndIsMarked() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            uart.write(IER, IER_RLS);
            uart.write(MCR, MCR_LOOP);
            for (int i = 0; i < 17; i++) {
                uart.write(THR, i);
            }

            assertThat(identity()).isEqualTo(IIR_RLS);
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_OE);
            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR);
            for (int i = 0; i < 16; i++) {
                assertThat(uart.read(RBR)).isEqualTo(i);
            }
            assertThat(uart.read(LSR)).isEqualTo(IDLE);
        }

        @Test
        void hostCharactersWaitUntilItEnds() {
            uart.write(MCR, MCR_LOOP);
            assertThat(receive("a")).isZero();

            uart.write(MCR, 0);

            assertThat(receive("a")).isEqualTo(1);
        }

        @Test
        void breakWaitsUntilItEnds() {
            uart.write(MCR, MCR_LOOP);
            uart.receiveBreak();
            assertThat(uart.read(LSR)).isEqualTo(IDLE);

            uart.write(MCR, 0);

            assertThat(uart.read(LSR)).isEqualTo(IDLE | LSR_DR | LSR_BI);
        }
    }

    @Nested
    class ModemStatus {

        @ParameterizedTest
        @CsvSource({
            "0xb0, 0x01, 0xa0", // CTS falls
            "0xb0, 0x02, 0x90", // DSR falls
            "0xb0, 0x08, 0x30", // DCD falls
            "0xb0, 0x00, 0xf0", // RI rises: not marked
            "0xf0, 0x04, 0xb0", // RI falls
            "0x00, 0x0b, 0xf0",
            "0xf0, 0x0f, 0x00",
            "0xb0, 0x00, 0xb0"
        })
        void changesAreMarkedUntilRead(String before, String marks, String after) {
            uart.setModemLines(Integer.decode(before));
            uart.read(MSR);

            uart.setModemLines(Integer.decode(after));

            assertThat(uart.read(MSR)).isEqualTo(Integer.decode(after) | Integer.decode(marks));
            assertThat(uart.read(MSR)).isEqualTo(Integer.decode(after).intValue());
        }

        @Test
        void changeInterruptsUntilMsrIsRead() {
            uart.write(IER, IER_MS);

            uart.setModemLines(0);

            assertThat(uart.interruptRequested()).isTrue();
            assertThat(identity()).isEqualTo(IIR_MODEM);
            uart.read(MSR);
            assertThat(identity()).isEqualTo(IIR_NONE);
        }

        @Test
        void lowBitsOfTheLinesAreNotTaken() {
            uart.setModemLines(0xBF);

            assertThat(uart.read(MSR)).isEqualTo(0xB0);
        }
    }

    @Nested
    class StateRecord {

        @Test
        void takingItHasNoEffect() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            uart.write(IER, IER_MASK);
            uart.receiveBreak();

            assertThat(uart.state()).isEqualTo(uart.state());
            assertThat(identity()).isEqualTo(IIR_RLS);
        }

        @Test
        void restoredPortGoesOnWhereTheOldOneWas() {
            uart.write(FCR, 0x81);
            uart.write(IER, IER_MASK);
            uart.write(LCR, 0x1B);
            receive("abc");
            uart.receiveBreak();

            Uart16550 restored = new Uart16550();
            restored.restore(uart.state());

            assertThat(restored.state()).isEqualTo(uart.state());
            assertThat(restored.read(IIR)).isEqualTo(0xC0 | IIR_TIMEOUT);
            assertThat(restored.read(RBR)).isEqualTo('a');
        }

        @Test
        void portSavedWhileItsInterruptWaitsAsksForItAgain() {
            uart.write(IER, IER_THRE);
            uart.write(THR, 'x');

            Uart16550 restored = new Uart16550();
            restored.restore(uart.state());

            assertThat(restored.interruptRequested()).isTrue();
            assertThat(restored.read(LSR)).isEqualTo(IDLE);
        }

        @Test
        void charactersAreListedWithTheirErrors() {
            uart.write(FCR, FIFO_ON_TRIGGER_1);
            receive("a");
            uart.receiveBreak();

            assertThat(uart.state().received()).isEqualTo(List.of((int) 'a', LSR_BI << 8));
        }
    }
}
