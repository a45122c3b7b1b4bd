// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import picocli.CommandLine.TypeConversionException;

class SizeConverterTest {

    private final SizeConverter converter = new SizeConverter();

    @ParameterizedTest
    @CsvSource({
        "1K, 1024",
        "65536K, 67108864",
        "512M, 536870912",
        "512m, 536870912",
        "512MB, 536870912",
        "512MiB, 536870912",
        "4G, 4294967296",
        "4gib, 4294967296",
        "2T, 2199023255552",
        "' 16M ', 16777216",
        "0M, 0",
        "007K, 7168",
        "8388607T, 9223370937343148032",
        "3.5G, 3758096384",
        "0.5K, 512"
    })
    void unitsAreBinaryAndOfAnyCase(String text, long bytes) {
        assertThat(converter.convert(text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({
        "'', is no size",
        "M, is no size",
        "-1M, is no size",
        "+1M, is no size",
        "1.G, is no size",
        ".5G, is no size",
        "0.3K, is not a whole number of bytes",
        "1 G, is no size",
        "0x10M, is no size",
        "512P, is no size",
        "512Mi, is no size",
        "512MM, is no size",
        "much, is no size",
        "١M, is no size",
        "9999999999999999999M, is no size",
        "512, lacks a unit; write 512M for MiB or 512G for GiB",
        "8388608T, is more than any machine has",
        "999999999999999999K, is more than any machine has"
    })
    void everythingElseIsRefusedWithTheRemedy(String text, String reason) {
        assertThatExceptionOfType(TypeConversionException.class)
                .isThrownBy(() -> converter.convert(text))
                .withMessageStartingWith("'" + text + "' ")
                .withMessageContaining(reason);
    }
}
