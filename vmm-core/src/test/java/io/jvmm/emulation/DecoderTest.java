// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.emulation.Instruction.MemoryOperand;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

class DecoderTest {

    private static Instruction decode(String hex) {
        return decode(hex, true);
    }

    private static Instruction decode(String hex, boolean longMode) {
        byte[] given = HexFormat.ofDelimiter(" ").parseHex(hex);
        return new Decoder(
                        InstructionTable.INSTANCE,
                        new InstructionBytes(given, (offset, atMost) -> new byte[atMost]),
                        longMode)
                .decode();
    }

    private static MemoryOperand memory(String hex) {
        MemoryOperand operand = decode(hex).memory();
        if (operand == null) {
            throw new AssertionError(hex);
        }
        return operand;
    }

    @ParameterizedTest
    @CsvSource({
        "cc, int3, 1",
        "9b, fwait, 1",
        "0f 0b, ud2, 2",
        "0f 01 ca, clac, 3",
        "0f 01 cb, stac, 3",
        "f3 0f b8 c1, popcnt, 4",
        "f3 48 0f b8 c1, popcnt, 5",
        "66 f3 0f b8 c1, popcnt, 5",
        "f3 0f bc c1, tzcnt, 4",
        "f3 0f bd c1, lzcnt, 4",
        "f0 48 0f c7 0e, cmpxchg16b, 5",
        "f0 0f c7 0e, cmpxchg8b, 4",
        "0f ae 16, ldmxcsr, 3",
        "0f ae 1e, stmxcsr, 3",
        "48 0f ae 26, xsave, 4",
        "48 0f ae 2e, xrstor, 4",
        "48 0f ae 36, xsaveopt, 4",
        "66 0f ae 36, clwb, 4",
        "48 0f c7 26, xsavec, 4",
        "48 0f c7 2e, xsaves, 4",
        "48 0f c7 1e, xrstors, 4",
        "0f 01 d0, xgetbv, 3",
        "0f 01 d1, xsetbv, 3",
        "0f c3 06, movnti, 3",
        "66 0f 6e c0, movd, 4",
        "66 0f d6 06, movq, 4",
        "66 0f ef c0, pxor, 4",
        "66 0f 38 00 c1, pshufb, 5",
        "66 0f 3a 0f c1 04, palignr, 6",
        "66 0f 71 d0 04, psrlw, 5",
        "66 0f 73 fa 04, pslldq, 5",
        "c5 f9 ef c0, pxor, 4",
        "c5 f8 77, zeroupper, 3",
        "c5 fc 77, zeroall, 3",
        "c4 e2 7d 59 06, pbroadcastq, 5",
        "c4 e3 7d 39 c1 01, extracti128, 6",
        "c4 e3 fb f0 c1 05, rorx, 6",
    })
    void namesAndLengthsAreRight(String bytes, String name, int length) {
        Instruction instruction = decode(bytes);
        assertThat(instruction.entry().name()).isEqualTo(name);
        assertThat(instruction.length()).isEqualTo(length);
    }

    @ParameterizedTest
    @CsvSource({
        "66 0f ef c0, 0, 0",
        "66 44 0f ef c0, 8, 0",
        "66 41 0f ef c7, 0, 15",
        "66 45 0f ef ff, 15, 15",
        "c5 79 ef c0, 8, 0",
        "c4 41 79 ef c1, 8, 9",
    })
    void registersHaveTheirFourthBitFromThePrefix(String bytes, int reg, int rm) {
        Instruction instruction = decode(bytes);
        assertThat(instruction.memory()).isNull();
        assertThat(instruction.reg()).isEqualTo(reg);
        assertThat(instruction.rm()).isEqualTo(rm);
    }

    @ParameterizedTest
    @CsvSource({
        "c5 f9 ef c0, 0",
        "c5 81 ef c0, 15",
        "c4 e1 31 ef c0, 9",
    })
    void vexNamesAFurtherRegister(String bytes, int vvvv) {
        assertThat(decode(bytes).vvvv()).isEqualTo(vvvv);
    }

    @Test
    void vexHasTwoLengths() {
        assertThat(decode("c5 f9 ef c0").vectorBytes()).isEqualTo(16);
        assertThat(decode("c5 fd ef c0").vectorBytes()).isEqualTo(32);
    }

    @ParameterizedTest
    @CsvSource({
        "f3 0f b8 c1, 4",
        "66 f3 0f b8 c1, 2",
        "f3 48 0f b8 c1, 8",
        "66 f3 48 0f b8 c1, 8",
    })
    void operandSizesFollowPrefixes(String bytes, int size) {
        assertThat(decode(bytes).operandSize()).isEqualTo(size);
    }

    @Test
    void aRexPrefixBeforeAnotherIsIgnored() {
        assertThat(decode("48 f3 0f b8 c1").operandSize()).isEqualTo(4);
    }

    @Test
    void addressesHaveAllTheirForms() {
        int ds = Instruction.DS;
        int ss = Instruction.SS;
        int none = Instruction.NONE;
        assertThat(memory("0f ae 18")).isEqualTo(new MemoryOperand(ds, 0, none, 0, 0, true));
        assertThat(memory("0f ae 58 f0")).isEqualTo(new MemoryOperand(ds, 0, none, 0, -16, true));
        assertThat(memory("0f ae 9d 00 01 00 00"))
                .isEqualTo(new MemoryOperand(ss, 5, none, 0, 256, true));
        assertThat(memory("0f ae 1c 24")).isEqualTo(new MemoryOperand(ss, 4, none, 0, 0, true));
        assertThat(memory("0f ae 1c 8f")).isEqualTo(new MemoryOperand(ds, 7, 1, 2, 0, true));
        assertThat(memory("4b 0f ae 1c e7")).isEqualTo(new MemoryOperand(ds, 15, 12, 3, 0, true));
        assertThat(memory("41 0f ae 1c 24")).isEqualTo(new MemoryOperand(ds, 12, none, 0, 0, true));
        assertThat(memory("0f ae 1c 25 10 00 00 80"))
                .isEqualTo(new MemoryOperand(ds, none, none, 0, 0x8000_0010, true));
        assertThat(memory("0f ae 1d 10 00 00 00"))
                .isEqualTo(new MemoryOperand(ds, Instruction.NEXT, none, 0, 16, true));
        assertThat(memory("67 0f ae 18")).isEqualTo(new MemoryOperand(ds, 0, none, 0, 0, false));
    }

    @ParameterizedTest
    @CsvSource({"64, 4", "65, 5", "2e, 3", "3e, 3", "26, 3", "36, 3"})
    void onlyTwoSegmentsCountInLongMode(String prefix, int segment) {
        assertThat(memory(prefix + " 0f ae 18").segment()).isEqualTo(segment);
    }

    @Test
    void thirtyTwoBitCodeHasItsOwnRules() {
        Instruction absolute = decode("0f ae 1d 10 00 00 00", false);
        assertThat(absolute.memory())
                .isEqualTo(new MemoryOperand(Instruction.DS, -1, -1, 0, 16, false));
        assertThatThrownBy(() -> decode("67 0f ae 1f", false)).isInstanceOf(Refusal.class);
        // LDS and LES, not VEX.
        assertThatThrownBy(() -> decode("c5 39 ef c0", false)).isInstanceOf(Refusal.class);
        assertThat(decode("c5 f9 ef c0", false).entry().name()).isEqualTo("pxor");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "f0 66 0f ef 00", // lock on an instruction that cannot be atomic
                "f0 0f c7 c8", // and on registers
                "66 c5 f9 ef c0", // VEX after a prefix that it replaces
                "f3 c5 f9 ef c0",
                "48 c5 f9 ef c0",
                "c5 f1 6f c0", // a further register where there is none
            })
    void whatIsNoInstructionRaisesAnException(String bytes) {
        assertThatThrownBy(() -> decode(bytes))
                .isInstanceOfSatisfying(
                        Throwable.class,
                        fault ->
                                assertThat(
                                                fault instanceof GuestFault raised
                                                        ? raised.vector()
                                                        : GuestFault.INVALID_OPCODE)
                                        .isEqualTo(GuestFault.INVALID_OPCODE));
    }

    @Test
    void anInstructionOfMoreThanFifteenBytesRaisesAProtectionFault() {
        assertThatThrownBy(() -> decode("66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 9b"))
                .isInstanceOfSatisfying(
                        GuestFault.class,
                        fault ->
                                assertThat(fault.vector())
                                        .isEqualTo(GuestFault.GENERAL_PROTECTION));
    }

    @Test
    void whatIsNotInTheTableIsNamed() {
        assertThatThrownBy(() -> decode("0f 38 f6 c1"))
                .isInstanceOf(Refusal.class)
                .hasMessageContaining("0F 38 F6");
        assertThatThrownBy(() -> decode("62 f1 7c 48 28 c1")).hasMessageContaining("EVEX");
    }

    static List<TableEntry> table() {
        return InstructionTable.INSTANCE.all();
    }

    /** Assembled by chance, every entry of the table is found again. */
    @ParameterizedTest
    @MethodSource("table")
    void everyEntryIsFound(TableEntry entry) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = RandomInstruction.of(entry, random, i % 2 == 0).bytes;
            String hex = HexFormat.ofDelimiter(" ").formatHex(bytes);
            try {
                Instruction found = decode(hex);
                assertThat(found.entry()).as(hex).isEqualTo(entry);
                assertThat(found.length()).as(hex).isEqualTo(bytes.length);
            } catch (GuestFault fault) {
                // A lock prefix on a register form.
                assertThat(fault.vector()).as(hex).isEqualTo(GuestFault.INVALID_OPCODE);
            }
        }
    }

    @Test
    void randomBytesNeverMakeItFailOrHang() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(11);
        byte[] bytes = new byte[InstructionBytes.LONGEST];
        int[] starts = {0x0F, 0xC4, 0xC5, 0x66, 0xF3, 0xF2, 0xF0, 0x48};
        for (int i = 0; i < 1_000_000; i++) {
            random.nextBytes(bytes);
            bytes[0] = (byte) (i % 3 == 0 ? bytes[0] : starts[i % starts.length]);
            InstructionBytes source =
                    new InstructionBytes(bytes.clone(), (offset, atMost) -> new byte[0]);
            try {
                Instruction found =
                        new Decoder(InstructionTable.INSTANCE, source, i % 4 != 0).decode();
                assertThat(found.length()).isBetween(1, InstructionBytes.LONGEST);
            } catch (GuestFault | Refusal expected) {
                assertThat(expected).isNotNull();
            }
        }
    }
}
