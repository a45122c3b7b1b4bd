// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

class CodecTest {

    private final StateWriter out = new StateWriter();

    private StateReader written() {
        return new StateReader("test", out.toBytes());
    }

    private static StateReader reader(int... bytes) {
        byte[] content = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            content[i] = (byte) bytes[i];
        }
        return new StateReader("test", Bytes.copyOf(content));
    }

    @Test
    void valuesAreLittleEndianWithoutPadding() {
        out.u8(0x01).u16(0x0302).i32(0x07060504).i64(0x0F0E_0D0C_0B0A_0908L).flag(true);

        assertThat(out.toBytes())
                .isEqualTo(
                        Bytes.copyOf(
                                new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1}));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 0x7F, 0x80, 0xFF})
    void bytesAreUnsigned(int value) {
        out.u8(value);

        assertThat(written().u8()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 0x7FFF, 0x8000, 0xFFFF})
    void shortsAreUnsigned(int value) {
        out.u16(value);

        assertThat(written().u16()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void intsKeepTheirBits(int value) {
        out.i32(value);

        assertThat(written().i32()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE})
    void longsKeepTheirBits(long value) {
        out.i64(value);

        assertThat(written().i64()).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "grüße", "\uD83D\uDE00"})
    void textsAreUtf8(String value) {
        out.text(value);

        assertThat(written().text(64)).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 255, 256, 257, 100_000})
    void bufferGrows(int length) {
        byte[] value = new byte[length];
        new Random(length).nextBytes(value);
        out.u8(1).bytes(Bytes.copyOf(value)).u8(2);

        StateReader in = written();

        assertThat(in.u8()).isEqualTo(1);
        assertThat(in.bytes(length)).isEqualTo(Bytes.copyOf(value));
        assertThat(in.u8()).isEqualTo(2);
        in.finish();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 256, Integer.MIN_VALUE})
    void writerRefusesWhatIsNoByte(int value) {
        assertThatIllegalArgumentException().isThrownBy(() -> out.u8(value));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 65_536, Integer.MAX_VALUE})
    void writerRefusesWhatIsNoShort(int value) {
        assertThatIllegalArgumentException().isThrownBy(() -> out.u16(value));
    }

    @Test
    void writerRefusesATextThatItsLengthCannotSay() {
        assertThatIllegalArgumentException().isThrownBy(() -> out.text("x".repeat(65_536)));
    }

    @Test
    void readerSaysWhereItEnds() {
        StateReader in = reader(1, 2, 3);
        in.u16();

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(in::i32)
                .withMessage("test: ends after 2 bytes where 4 more are due");
    }

    @Test
    void everyReadChecksTheEnd() {
        StateReader empty = reader();
        assertThatExceptionOfType(StateException.class).isThrownBy(empty::u8);
        assertThatExceptionOfType(StateException.class).isThrownBy(empty::u16);
        assertThatExceptionOfType(StateException.class).isThrownBy(empty::i32);
        assertThatExceptionOfType(StateException.class).isThrownBy(empty::i64);
        assertThatExceptionOfType(StateException.class).isThrownBy(empty::flag);
        assertThatExceptionOfType(StateException.class).isThrownBy(() -> empty.text(9));
        assertThatExceptionOfType(StateException.class).isThrownBy(() -> empty.bytes(9));
    }

    @Test
    void readerRefusesLeftovers() {
        StateReader in = reader(1, 2);
        in.u8();

        assertThat(in.remaining()).isEqualTo(1);
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(in::finish)
                .withMessage("test: 1 bytes are left over");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 255})
    void readerRefusesWhatIsNoTruthValue(int value) {
        assertThatExceptionOfType(StateException.class).isThrownBy(reader(value)::flag);
    }

    @Test
    void lengthBeyondTheLimitIsRefusedBeforeAnythingIsAllocated() {
        StateReader in = reader(0xFF, 0xFF, 0xFF, 0x7F);

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> in.bytes(100))
                .withMessage("test: a count of 2147483647 exceeds 100");
    }

    @Test
    void negativeLengthIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> reader(0xFF, 0xFF, 0xFF, 0xFF).bytes(Integer.MAX_VALUE))
                .withMessageContaining("4294967295");
    }

    @Test
    void lengthBeyondTheEndIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> reader(0xFF, 0xFF, 0xFF, 0x7F).bytes(Integer.MAX_VALUE));
    }

    @Test
    void textBeyondItsLimitIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> reader(3, 0, 'a', 'b', 'c').text(2));
    }

    @Test
    void textThatIsNotUtf8IsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> reader(1, 0, 0xFF).text(2));
    }

    @Test
    void bytesDoNotChangeWithTheirSource() {
        byte[] source = {1, 2, 3};
        Bytes bytes = Bytes.copyOf(source);
        source[0] = 9;
        bytes.toArray()[1] = 9;

        assertThat(bytes).isEqualTo(Bytes.copyOf(new byte[] {1, 2, 3}));
        assertThat(bytes).hasSameHashCodeAs(Bytes.copyOf(new byte[] {1, 2, 3}));
        assertThat(bytes).isNotEqualTo(Bytes.EMPTY);
        assertThat(bytes.at(2)).isEqualTo(3);
        assertThat(bytes).hasToString("3 bytes");
    }
}
