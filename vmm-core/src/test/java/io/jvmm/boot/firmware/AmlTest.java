// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

class AmlTest {

    private static String hex(byte[] term) {
        return HexFormat.of().formatHex(term);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 00",
        "1, 01",
        "2, 0a02",
        "255, 0aff",
        "256, 0b0001",
        "65535, 0bffff",
        "65536, 0c00000100",
        "4294967295, 0cffffffff",
    })
    void integersTakeTheirShortestForm(long value, String bytes) {
        assertThat(hex(Aml.integer(value))).isEqualTo(bytes);
    }

    @Test
    void integersHave32Bits() {
        assertThatIllegalArgumentException().isThrownBy(() -> Aml.integer(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> Aml.integer(1L << 32));
    }

    @ParameterizedTest
    @CsvSource({"PNP0501, 0c41d00501", "PNP0B00, 0c41d00b00", "PNP0A08, 0c41d00a08"})
    void plugAndPlayIdsArePacked(String id, String bytes) {
        assertThat(hex(Aml.eisaId(id))).isEqualTo(bytes);
    }

    @Test
    void namesAreFilledUp() {
        assertThat(hex(Aml.name("\\_S5", Aml.integer(1)))).isEqualTo("085c5f53355f01");
        for (String bad : new String[] {"", "TOOLONG", "low"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Aml.name(bad, Aml.integer(0)))
                    .withMessageContaining("Not an AML name");
        }
    }

    @Test
    void aLengthIncludesItself() {
        assertThat(hex(Aml.packageOf(Aml.integer(0)))).isEqualTo("12030100");
        String text = "x".repeat(100);
        byte[] longer = Aml.packageOf(Aml.string(text));
        // 2 bytes of length, 1 of count, 102 of string
        assertThat(hex(longer)).startsWith("124906010d");
        assertThat(longer).hasSize(1 + 0x69);
        byte[] longest = Aml.packageOf(Aml.string("x".repeat(5000)));
        // 3 bytes of length, 1 of count, 5002 of string: 0x138e
        assertThat(hex(longest)).startsWith("128e3801010d");
        assertThat(longest).hasSize(1 + 0x138e);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Aml.packageOf(Aml.string("x".repeat(1 << 20))))
                .withMessageContaining("too long");
    }

    @Test
    void stringsEndWithZero() {
        assertThat(Aml.string("QEMU0001"))
                .isEqualTo("\rQEMU0001\0".getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void resourcesAreABufferWithAnEndTag() {
        assertThat(hex(Aml.resources(Aml.io(0x3F8, 8), Aml.irq(4))))
                .isEqualTo("11100a0d" + "4701f803f8030108" + "221000" + "7900");
    }
}
