// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.paging.wire.PageLayout;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ranges of guest memory: {@code ADDRESS+SIZE}, such as {@code 0+3G} or {@code 0x100000000+1G}. */
final class RangeConverter implements ITypeConverter<PageLayout.Range> {

    private static final Pattern RANGE =
            Pattern.compile("(?:0[xX]([0-9a-fA-F]{1,15})|([0-9]{1,18}))\\+(.+)");

    @Override
    public PageLayout.Range convert(String text) {
        Matcher range = RANGE.matcher(text);
        if (!range.matches()) {
            throw new TypeConversionException(
                    "'%s' is no range; write it as ADDRESS+SIZE, such as 0x100000000+1G"
                            .formatted(text));
        }
        String hexadecimal = range.group(1);
        long gpa =
                hexadecimal == null
                        ? Long.parseLong(range.group(2))
                        : Long.parseLong(hexadecimal, 16);
        try {
            return new PageLayout.Range(gpa, new SizeConverter().convert(range.group(3)));
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }
}
