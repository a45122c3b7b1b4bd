// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

class SavedTest {

    private final Saved saved = Saved.of(PairState.CODEC, 3, new PairState(1, 2));

    private static Saved pair(int version, int... values) {
        StateWriter out = new StateWriter();
        for (int value : values) {
            out.i32(value);
        }
        return new Saved("pair", 0, version, out.toBytes());
    }

    @Test
    void stateComesBack() {
        assertThat(saved.decode(PairState.CODEC)).isEqualTo(new PairState(1, 2));
        assertThat(saved).hasToString("pair/3");
    }

    @Test
    void olderVersionIsRead() {
        assertThat(pair(1, 7).decode(PairState.CODEC)).isEqualTo(new PairState(7, 7));
    }

    @ParameterizedTest
    @CsvSource({"1, 2, 2", "3, 2, 1", "9, 8, 7"})
    void versionThatTheCodecDoesNotKnowIsRefused(int version, int current, int oldest) {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> pair(version, 1, 2).decode(PairState.codec(current, oldest)))
                .withMessage(
                        "saved state of pair/0 has version %d; this program reads %d to %d",
                        version, oldest, current);
    }

    @Test
    void otherKindIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> new Saved("impair", 0, 2, Bytes.EMPTY).decode(PairState.CODEC))
                .withMessageContainingAll("impair", "pair");
    }

    @Test
    void leftoverPayloadIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> pair(2, 1, 2, 3).decode(PairState.CODEC))
                .withMessageContaining("4 bytes are left over");
    }

    @Test
    void shortPayloadIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> pair(2, 1).decode(PairState.CODEC));
    }

    @Test
    void stateThatCannotBeIsRefusedWithItsReason() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> pair(2, 5, 4).decode(PairState.CODEC))
                .withMessage("saved state of pair/0 cannot be: 5 exceeds 4");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Pair", "-pair", "pair/0", "pa ir", "päir", "a\n"})
    void kindIsAPlainName(String kind) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Saved(kind, 0, 1, Bytes.EMPTY));
    }

    @Test
    void kindIsAtMost48Long() {
        assertThat(new Saved("a".repeat(48), 0, 1, Bytes.EMPTY).kind()).hasSize(48);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Saved("a".repeat(49), 0, 1, Bytes.EMPTY));
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "0, 0", "0, -1"})
    void numbersAreInRange(int instance, int version) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Saved("pair", instance, version, Bytes.EMPTY));
    }

    @Test
    void payloadIsBounded() {
        Bytes tooMuch = Bytes.copyOf(new byte[Saved.MAX_PAYLOAD + 1]);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Saved("pair", 0, 1, tooMuch))
                .withMessageContaining("exceeds");
    }

    @Test
    void componentsAreTakenByKindAndInstance() {
        SavedComponents components = new SavedComponents(List.of(saved, pair(2, 8, 9)));

        assertThat(components.has(PairState.CODEC, 3)).isTrue();
        assertThat(components.has(PairState.CODEC, 1)).isFalse();
        assertThat(components.take(PairState.CODEC, 0)).isEqualTo(new PairState(8, 9));
        assertThat(components.take(PairState.CODEC, 3)).isEqualTo(new PairState(1, 2));
        components.finish();
    }

    @Test
    void componentIsTakenOnce() {
        SavedComponents components = new SavedComponents(List.of(saved));
        components.take(PairState.CODEC, 3);

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> components.take(PairState.CODEC, 3))
                .withMessage("saved state of pair/3 is missing");
    }

    @Test
    void leftoverComponentsAreRefusedByName() {
        SavedComponents components =
                new SavedComponents(List.of(saved, new Saved("floppy", 0, 1, Bytes.EMPTY)));
        components.take(PairState.CODEC, 3);

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(components::finish)
                .withMessage("this machine has no place for saved floppy/0");
    }

    @Test
    void sameComponentTwiceIsRefused() {
        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() -> new SavedComponents(List.of(saved, saved)))
                .withMessageContaining("twice");
    }
}
