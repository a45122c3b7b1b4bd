// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.boot.BootEntry;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Ways into a kernel, by the names that users type. */
final class EntryConverter implements ITypeConverter<BootEntry> {

    @Override
    public BootEntry convert(String text) {
        for (BootEntry entry : BootEntry.values()) {
            if (entry.label().equals(text)) {
                return entry;
            }
        }
        String known =
                Arrays.stream(BootEntry.values())
                        .map(BootEntry::label)
                        .collect(Collectors.joining(", "));
        throw new TypeConversionException("'%s' is none of %s".formatted(text, known));
    }
}
