package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

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
            try {
                return new SerialOption.ToFile(Path.of(text.substring(FILE.length())));
            } catch (InvalidPathException e) {
                throw new TypeConversionException("'%s': %s".formatted(text, e.getReason()));
            }
        }
        throw new TypeConversionException(
                "'%s' is none of stdio, file:PATH and none".formatted(text));
    }
}
