// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.machine.KickStrategy;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Ways to call a vCPU out of the guest, by the names that users type. */
final class StrategyConverter implements ITypeConverter<KickStrategy> {

    @Override
    public KickStrategy convert(String text) {
        for (KickStrategy strategy : KickStrategy.values()) {
            if (strategy.label().equals(text)) {
                return strategy;
            }
        }
        String known =
                Arrays.stream(KickStrategy.values())
                        .map(KickStrategy::label)
                        .collect(Collectors.joining(", "));
        throw new TypeConversionException("'%s' is none of %s".formatted(text, known));
    }
}
