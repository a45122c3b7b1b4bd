// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.state.Bytes;
import io.jvmm.state.Saved;
import io.jvmm.state.StateCodec;
import io.jvmm.state.StateException;
import io.jvmm.state.StateFile;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.InstantSource;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Every device's state travels and comes back, and what cannot be a state is refused. */
class StateCodecTest {

    private static final UartState FULL_UART =
            new UartState(
                    0x0F,
                    0xC1,
                    0xFF,
                    0x1F,
                    0xA5,
                    0xFFFF,
                    0x1E,
                    0xF0,
                    0x0F,
                    true,
                    true,
                    IntStream.range(0, 16).mapToObj(i -> 0x1CF0 | i).toList());

    static Stream<Arguments> states() {
        return Stream.of(
                Arguments.of(UartState.CODEC, UartState.POWER_ON),
                Arguments.of(UartState.CODEC, FULL_UART),
                Arguments.of(I8042State.CODEC, I8042State.POWER_ON),
                Arguments.of(I8042State.CODEC, new I8042State(0xFF, 0xFF, 0xD1, 0x55)),
                Arguments.of(I8042State.CODEC, new I8042State(0, 1, 0x60, 0)),
                Arguments.of(AcpiPmState.CODEC, AcpiPmState.POWER_ON),
                Arguments.of(AcpiPmState.CODEC, new AcpiPmState(0x100, 0x721, 0x1C02, -1)),
                Arguments.of(ResetPortState.CODEC, ResetPortState.POWER_ON),
                Arguments.of(ResetPortState.CODEC, new ResetPortState(0x0A)),
                Arguments.of(
                        CmosRtcState.CODEC,
                        new CmosRtc(InstantSource.system(), 1L << 30, 0).state()),
                Arguments.of(
                        CmosRtcState.CODEC,
                        new CmosRtcState(
                                127, -1_000_000_000_000L, 0x70, Bytes.copyOf(new byte[128]))));
    }

    @ParameterizedTest
    @MethodSource("states")
    <S> void stateComesBack(StateCodec<S> codec, S state) {
        List<Saved> read = StateFile.decode(StateFile.encode(List.of(Saved.of(codec, 0, state))));

        assertThat(read.getFirst().decode(codec)).isEqualTo(state);
    }

    @ParameterizedTest
    @MethodSource("states")
    <S> void truncationIsRefused(StateCodec<S> codec, S state) {
        Saved saved = Saved.of(codec, 0, state);
        byte[] payload = saved.payload().toArray();
        for (int length = 0; length < payload.length; length++) {
            Bytes truncated = Bytes.copyOf(Arrays.copyOf(payload, length));
            assertThatExceptionOfType(StateException.class)
                    .isThrownBy(() -> new Saved(codec.kind(), 0, 1, truncated).decode(codec));
        }
    }

    @ParameterizedTest
    @MethodSource("states")
    <S> void anythingIsReadOrRefused(StateCodec<S> codec, S state) {
        Random random = new Random(5);
        byte[] payload = Saved.of(codec, 0, state).payload().toArray();
        int refused = 0;
        for (int round = 0; round < 2_000; round++) {
            byte[] changed = payload.clone();
            changed[random.nextInt(changed.length)] = (byte) random.nextInt();
            Saved saved = new Saved(codec.kind(), 0, 1, Bytes.copyOf(changed));
            try {
                S read = saved.decode(codec);
                assertThat(Saved.of(codec, 0, read)).isEqualTo(saved);
            } catch (StateException e) {
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }

    /** Written by version 1 of each codec; a codec that cannot read them any more is wrong. */
    static Stream<Arguments> versionOne() {
        byte[] memory = new byte[128];
        memory[0x0F] = 0x5A;
        return Stream.of(
                Arguments.of(
                        UartState.CODEC,
                        "05c11b0b5a020102b00a01000200000041000010",
                        new UartState(
                                0x05,
                                0xC1,
                                0x1B,
                                0x0B,
                                0x5A,
                                0x0102,
                                0x02,
                                0xB0,
                                0x0A,
                                true,
                                false,
                                List.of(0x41, 0x1000))),
                Arguments.of(
                        I8042State.CODEC, "34036000ffff", new I8042State(0x34, 0x03, 0x60, -1)),
                Arguments.of(
                        AcpiPmState.CODEC,
                        "00012001001478563412",
                        new AcpiPmState(0x100, 0x120, 0x1400, 0x12345678)),
                Arguments.of(ResetPortState.CODEC, "0a", new ResetPortState(0x0A)),
                Arguments.of(
                        CmosRtcState.CODEC,
                        "0f" + "feffffffffffffff" + "30" + "80000000" + hex(memory),
                        new CmosRtcState(0x0F, -2, 0x30, Bytes.copyOf(memory))));
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @ParameterizedTest
    @MethodSource("versionOne")
    <S> void versionOneStaysReadable(StateCodec<S> codec, String payload, S state) {
        Bytes bytes = Bytes.copyOf(HexFormat.of().parseHex(payload));

        assertThat(new Saved(codec.kind(), 0, 1, bytes).decode(codec)).isEqualTo(state);
    }

    @Test
    void kindsDiffer() {
        List<StateCodec<?>> codecs =
                List.of(
                        UartState.CODEC,
                        I8042State.CODEC,
                        AcpiPmState.CODEC,
                        ResetPortState.CODEC,
                        CmosRtcState.CODEC);
        Set<String> kinds = new HashSet<>();

        assertThat(codecs).allMatch(codec -> kinds.add(codec.kind()));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 16})
    void receiverOfAUartWithoutFifoHoldsOneCharacter(int count) {
        byte[] payload = Saved.of(UartState.CODEC, 0, FULL_UART).payload().toArray();
        byte[] shorter = Arrays.copyOf(payload, payload.length - 2 * (16 - count));
        shorter[1] = 0; // FCR: FIFOs off
        shorter[12] = (byte) count;

        assertThatExceptionOfType(StateException.class)
                .isThrownBy(() ->
                        new Saved("uart-16550", 0, 1, Bytes.copyOf(shorter))
                                .decode(UartState.CODEC))
                .withMessageContaining("%d characters in a receiver for 1", count);
    }
}
