// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Where the serial port goes: {@code stdio}, {@code file:PATH} or {@code none}. */
final class SerialConverter implements ITypeConverter<SerialOption> {

    private static final String FILE = "file:";

    @Override
    public SerialOption convert(String text) {
        if (text.equals("stdio")) {
            return new SerialOption.Stdio();
        }
        if (text.equals("none")) {
            return new SerialOption.None();
        }
        if (text.startsWith(FILE) && text.length() > FILE.length()) {
            return new SerialOption.ToFile(FileConverter.path(text.substring(FILE.length())));
        }
        throw new TypeConversionException(
                "'%s' is none of stdio, file:PATH and none".formatted(text));
    }
}
