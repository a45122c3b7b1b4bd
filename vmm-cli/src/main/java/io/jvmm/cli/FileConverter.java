// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;

/** Names of files. */
final class FileConverter implements ITypeConverter<Path> {

    /** Stands for bytes of the command line that the locale's encoding has no character for. */
    private static final char UNDECODED = '\uFFFD';

    @Override
    public Path convert(String text) {
        return path(text);
    }

    /**
     * The path of a name from the command line.
     *
     * @throws TypeConversionException it names no file, or not one that Java can open here
     */
    static Path path(String text) {
        if (text.isEmpty()) {
            throw new TypeConversionException("the name of the file is empty");
        }
        if (text.indexOf(UNDECODED) >= 0) {
            throw new TypeConversionException(undecoded(text));
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new TypeConversionException("'%s': %s".formatted(text, e.getReason()));
        }
    }

    private static String undecoded(String text) {
        String encoding = System.getProperty("sun.jnu.encoding", "");
        return encoding.toUpperCase(Locale.ROOT).equals("UTF-8")
                ? "'%s' is no name in UTF-8; rename the file, or link to it".formatted(text)
                : "'%s' has characters that this locale (%s) lacks; start with LC_ALL=C.UTF-8"
                        .formatted(text, encoding);
    }
}
