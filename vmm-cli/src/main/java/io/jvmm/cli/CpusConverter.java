// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.machine.MachineConfig;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers of vCPUs. */
final class CpusConverter implements ITypeConverter<Integer> {

    @Override
    public Integer convert(String text) {
        try {
            int cpus = Integer.parseInt(text);
            if (cpus >= 1 && cpus <= MachineConfig.MAX_CPUS) {
                return cpus;
            }
        } catch (NumberFormatException e) {
            // answered below, as a number out of range is
        }
        throw new TypeConversionException(
                "'%s' is not a number from 1 to %d".formatted(text, MachineConfig.MAX_CPUS));
    }
}
