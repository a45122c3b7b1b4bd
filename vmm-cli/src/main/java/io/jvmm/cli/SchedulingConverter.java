// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.machine.CpuScheduling;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A scheduling policy with its nice value or priority: {@code normal:-5}, {@code idle}. */
final class SchedulingConverter implements ITypeConverter<CpuScheduling> {

    private static final Pattern POLICY_AND_LEVEL =
            Pattern.compile("(?<policy>[a-z]+)(?::(?<level>-?[0-9]{1,3}))?");

    @Override
    public CpuScheduling convert(String text) {
        Matcher parts = POLICY_AND_LEVEL.matcher(text);
        if (!parts.matches()) {
            throw unknown(text);
        }
        String level = parts.group("level");
        try {
            return level == null
                    ? withoutLevel(parts.group("policy"), text)
                    : withLevel(parts.group("policy"), Integer.parseInt(level), text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("'%s': %s".formatted(text, e.getMessage()));
        }
    }

    private static CpuScheduling withoutLevel(String policy, String text) {
        return switch (policy) {
            case "normal" -> CpuScheduling.normal(0);
            case "batch" -> CpuScheduling.batch(0);
            case "idle" -> CpuScheduling.idle();
            default -> throw unknown(text);
        };
    }

    private static CpuScheduling withLevel(String policy, int level, String text) {
        return switch (policy) {
            case "normal" -> CpuScheduling.normal(level);
            case "batch" -> CpuScheduling.batch(level);
            case "fifo" -> CpuScheduling.fifo(level);
            case "rr" -> CpuScheduling.roundRobin(level);
            default -> throw unknown(text);
        };
    }

    private static TypeConversionException unknown(String text) {
        return new TypeConversionException(
                ("'%s' is no policy for vCPU threads; write normal[:NICE], batch[:NICE], idle,"
                                + " fifo:PRIORITY or rr:PRIORITY")
                        .formatted(text));
    }
}
