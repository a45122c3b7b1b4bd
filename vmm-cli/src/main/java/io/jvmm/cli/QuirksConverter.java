// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Whether to make up for what a host lacks, by the names that users type. */
final class QuirksConverter implements ITypeConverter<HostOptions.Quirks> {

    @Override
    public HostOptions.Quirks convert(String text) {
        return switch (text) {
            case "auto" -> HostOptions.Quirks.AUTO;
            case "off" -> HostOptions.Quirks.OFF;
            default ->
                    throw new TypeConversionException(
                            "'%s' is neither auto nor off".formatted(text));
        };
    }
}
