package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes with a unit: {@code 512M}, {@code 4G}, {@code 65536K}; binary units, any case. */
final class SizeConverter implements ITypeConverter<Long> {

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})(?:([KMGT])(?:I?B)?)?");
    private static final String UNITS = "KMGT";

    @Override
    public Long convert(String text) {
        Matcher size = SIZE.matcher(text.trim().toUpperCase(Locale.ROOT));
        if (!size.matches()) {
            throw new TypeConversionException(
                    "'%s' is no size; write it as 512M or 4G".formatted(text));
        }
        String unit = size.group(2);
        if (unit == null) {
            throw new TypeConversionException(
                    "'%s' lacks a unit; write %sM for MiB or %sG for GiB"
                            .formatted(text, text, text));
        }
        int shift = 10 * (UNITS.indexOf(unit) + 1);
        long number = Long.parseLong(size.group(1));
        if (number > Long.MAX_VALUE >> shift) {
            throw new TypeConversionException("'%s' is more than any machine has".formatted(text));
        }
        return number << shift;
    }
}
