// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.time.Duration;
import java.util.regex.Pattern;

/** Times in whole seconds, up to a day. */
final class SecondsConverter implements ITypeConverter<Duration> {

    private static final Pattern SECONDS = Pattern.compile("[0-9]{1,5}");
    private static final int A_DAY = 86_400;

    @Override
    public Duration convert(String text) {
        if (!SECONDS.matcher(text).matches() || Integer.parseInt(text) > A_DAY) {
            throw new TypeConversionException(
                    "'%s' is not a number of seconds from 0 to %d".formatted(text, A_DAY));
        }
        return Duration.ofSeconds(Integer.parseInt(text));
    }
}
