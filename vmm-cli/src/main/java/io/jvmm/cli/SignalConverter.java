// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.ffi.linux.Signals;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Signals by name or number. */
final class SignalConverter implements ITypeConverter<Integer> {

    private static final int SIGUSR2 = 12;

    /** The first one that libc leaves to programs. */
    private static final int SIGRTMIN = 34;

    private static final Pattern REAL_TIME = Pattern.compile("RTMIN(?:\\+([0-9]{1,2}))?");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,3}");

    @Override
    public Integer convert(String text) {
        String name = text.toUpperCase(Locale.ROOT);
        if (name.startsWith("SIG")) {
            name = name.substring("SIG".length());
        }
        Matcher realTime = REAL_TIME.matcher(name);
        int signal =
                switch (name) {
                    case "USR1" -> Signals.SIGUSR1;
                    case "USR2" -> SIGUSR2;
                    default -> {
                        if (realTime.matches()) {
                            String above = realTime.group(1);
                            yield SIGRTMIN + (above == null ? 0 : Integer.parseInt(above));
                        }
                        yield NUMBER.matcher(name).matches() ? Integer.parseInt(name) : 0;
                    }
                };
        if (signal < 1 || signal > Signals.SIGRTMAX) {
            throw new TypeConversionException(
                    "'%s' is no signal for kicks; write USR1, USR2, RTMIN+N or a number"
                            .formatted(text));
        }
        return signal;
    }
}
