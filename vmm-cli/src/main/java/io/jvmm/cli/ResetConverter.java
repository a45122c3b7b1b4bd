// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.machine.ResetPolicy;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** What can follow a reset, by the names that users type. */
final class ResetConverter implements ITypeConverter<ResetPolicy> {

    @Override
    public ResetPolicy convert(String text) {
        return switch (text) {
            case "exit" -> ResetPolicy.END;
            case "reboot" -> ResetPolicy.REBOOT;
            default ->
                    throw new TypeConversionException(
                            "'%s' is neither exit nor reboot".formatted(text));
        };
    }
}
