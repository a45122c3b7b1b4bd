// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes with a unit: {@code 512M}, {@code 3.5G}, {@code 65536K}; binary units, any case. */
final class SizeConverter implements ITypeConverter<Long> {

    private static final Pattern SIZE =
            Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(?:([KMGT])(?:I?B)?)?");
    private static final String UNITS = "KMGT";
    private static final BigDecimal MOST = BigDecimal.valueOf(Long.MAX_VALUE);

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
        BigDecimal bytes =
                new BigDecimal(size.group(1))
                        .multiply(BigDecimal.valueOf(1L << (10 * (UNITS.indexOf(unit) + 1))));
        if (bytes.compareTo(MOST) > 0) {
            throw new TypeConversionException("'%s' is more than any machine has".formatted(text));
        }
        try {
            return bytes.longValueExact();
        } catch (ArithmeticException e) {
            throw new TypeConversionException(
                    "'%s' is not a whole number of bytes".formatted(text));
        }
    }
}
