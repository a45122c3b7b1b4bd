// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

class StateFileTest {

    private static final List<Saved> COMPONENTS =
            List.of(
                    Saved.of(PairState.CODEC, 0, new PairState(1, 2)),
                    Saved.of(PairState.CODEC, 1, new PairState(3, 4)),
                    new Saved("empty", 0, 7, Bytes.EMPTY));

    private static byte[] file() {
        return StateFile.encode(COMPONENTS).toArray();
    }

    private static List<Saved> decode(byte[] file) {
        return StateFile.decode(Bytes.copyOf(file));
    }

    /** Sets 32 bits and makes the checksum right again. */
    private static byte[] patched(int offset, int value) {
        byte[] file = file();
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(offset, value);
        CRC32C crc = new CRC32C();
        crc.update(file, 0, file.length - 4);
        buffer.putInt(file.length - 4, (int) crc.getValue());
        return file;
    }

    @Test
    void componentsComeBackInOrder() {
        assertThat(decode(file())).isEqualTo(COMPONENTS);
    }

    @Test
    void noComponentsAreAFileToo() {
        assertThat(StateFile.decode(StateFile.encode(List.of()))).isEmpty();
    }

    @Test
    void formatIsTheOneDocumented() {
        Bytes file =
                StateFile.encode(List.of(new Saved("k", 2, 3, Bytes.copyOf(new byte[] {0x55}))));

        String expected =
                "6a766d6d2d783836" // magic
                        + "01000000" // format version
                        + "14000000" // body length
                        + "01000000" // components
                        + "0100" // kind length
                        + "6b" // kind
                        + "02000000" // instance
                        + "03000000" // version
                        + "01000000" // payload length
                        + "55"; // payload
        byte[] checked = HexFormat.of().parseHex(expected);
        CRC32C crc = new CRC32C();
        crc.update(checked);
        assertThat(HexFormat.of().formatHex(file.toArray()))
                .isEqualTo(expected + "%08x".formatted(Integer.reverseBytes((int) crc.getValue())));
    }

    @Test
    void everyTruncationIsRefused() {
        byte[] file = file();
        for (int length = 0; length < file.length; length++) {
            byte[] truncated = Arrays.copyOf(file, length);
            assertThatExceptionOfType(StateException.class)
                    .as("length %d", length)
                    .isThrownBy(() -> decode(truncated));
        }
    }

    @Test
    void everyFlippedBitIsRefused() {
        byte[] file = file();
        for (int bit = 0; bit < file.length * 8; bit++) {
            byte[] flipped = file.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            assertThatExceptionOfType(StateException.class)
                    .as("bit %d", bit)
                    .isThrownBy(() -> decode(flipped));
        }
    }

    @Test
    void trailingBytesAreRefused() {
        byte[] longer = Arrays.copyOf(file(), file().length + 1);

        assertThatExceptionOfType(StateException.class).isThrownBy(() -> decode(longer));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0x46464952, not the saved state", // magic
        "4, 0x6d72612d, not the saved state", // architecture
        "8, 2, format version 2; this program reads 1",
        "8, 0, format version 0",
        "8, -1, format version 4294967295",
        "12, -1, where the header says",
        "12, 0, where the header says",
        "16, 4, ends after", // one component more than there is
        "16, 2, left over", // one less
        "16, -1, exceeds",
        "26, -1, instance -1", // instance of the first
        "30, 0, version 0",
        "34, -1, exceeds", // payload length
        "34, 0x01000000, ends after",
    })
    void eachFieldIsChecked(int offset, int value, String message) {
        byte[] file = patched(offset, value);

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> decode(file))
                .withMessageContaining(message);
    }

    @Test
    void damageIsSaidWithBothChecksums() {
        byte[] file = file();
        file[40] ^= 1;

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> decode(file))
                .withMessageMatching("saved state: damaged: checksum [0-9a-f]{8}, not [0-9a-f]{8}");
    }

    @Test
    void tooMuchIsRefusedWhenWritten() {
        Saved large = new Saved("large", 0, 1, Bytes.copyOf(new byte[Saved.MAX_PAYLOAD]));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> StateFile.encode(Collections.nCopies(4, large)));
    }

    @Test
    void randomBodiesWithARightChecksumAreRefusedOrRead() {
        Random random = new Random(11);
        for (int round = 0; round < 20_000; round++) {
            byte[] file = patched(16 + random.nextInt(file().length - 24), random.nextInt());
            try {
                decode(file).forEach(saved -> saved.decode(PairState.CODEC));
            } catch (StateException expected) {
                assertThat(expected).hasMessageContaining("saved state");
            }
        }
    }
}
