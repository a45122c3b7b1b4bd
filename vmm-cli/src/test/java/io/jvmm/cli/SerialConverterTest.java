// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine.TypeConversionException;

import java.nio.file.Path;

class SerialConverterTest {

    private final SerialConverter converter = new SerialConverter();

    @Test
    void theThreePlaces() {
        assertThat(converter.convert("stdio")).isEqualTo(new SerialOption.Stdio());
        assertThat(converter.convert("none")).isEqualTo(new SerialOption.None());
        assertThat(converter.convert("file:/tmp/console log"))
                .isEqualTo(new SerialOption.ToFile(Path.of("/tmp/console log")));
        assertThat(converter.convert("file:file:x"))
                .isEqualTo(new SerialOption.ToFile(Path.of("file:x")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "file", "file:", "File:x", "STDIO", "tty", "/tmp/console", " none"})
    void anythingElseIsRefusedWithTheChoice(String text) {
        assertThatExceptionOfType(TypeConversionException.class)
                .isThrownBy(() -> converter.convert(text))
                .withMessage("'" + text + "' is none of stdio, file:PATH and none");
    }

    @Test
    void aNameThatNoFileCanHaveIsRefused() {
        assertThatExceptionOfType(TypeConversionException.class)
                .isThrownBy(() -> converter.convert("file:a\0b"))
                .withMessageContaining("Nul character");
    }
}
