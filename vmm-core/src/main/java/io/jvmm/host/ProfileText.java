// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.host.HostProfile.CpuidSource;
import io.jvmm.host.HostProfile.KickMode;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfile.Paging;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.zip.CRC32;

/**
 * A profile as text: a line per part, then a checksum of the lines before it. Names of instructions
 * that this version does not know, or lacks, make it another version's.
 */
final class ProfileText {

    private static final String FORMAT = "jvmm-host-profile 2";
    private static final String CHECKSUM = "checksum ";

    private ProfileText() {}

    /**
     * Writes a profile.
     *
     * @param identity of the host, in one line
     */
    static String write(String identity, HostProfile profile) {
        String text =
                String.join(
                        "\n",
                        FORMAT,
                        "identity " + identity,
                        "families " + names(EnumSet.allOf(InstructionFamily.class)),
                        "kernel " + profile.kernel(),
                        "slowdown " + profile.slowdown(),
                        "kernel-cpuid " + profile.kernelCpuid(),
                        "user-cpuid " + profile.userCpuid(),
                        "failing " + names(profile.failing()),
                        "wrong " + names(profile.wrong()),
                        "system-calls " + profile.systemCalls(),
                        "paging " + profile.paging(),
                        "missing-pages " + profile.missingPages(),
                        "kicks " + names(profile.kicks()),
                        "capabilities "
                                + new TreeMap<>(profile.capabilities())
                                        .entrySet().stream()
                                                .map(each -> each.getKey() + "=" + each.getValue())
                                                .collect(Collectors.joining(" ")),
                        "");
        return text + CHECKSUM + checksum(text) + "\n";
    }

    /**
     * Reads a profile.
     *
     * @return empty if the text is damaged, of another version, or about another host
     */
    static Optional<HostProfile> read(String identity, String text) {
        int end = text.lastIndexOf(CHECKSUM);
        if (end < 0
                || !text.substring(end)
                        .equals(CHECKSUM + checksum(text.substring(0, end)) + "\n")) {
            return Optional.empty();
        }
        Map<String, String> parts = new HashMap<>();
        text.lines()
                .forEach(line -> {
                    int space = line.indexOf(' ');
                    if (space > 0) {
                        parts.put(line.substring(0, space), line.substring(space + 1));
                    }
                });
        if (!text.startsWith(FORMAT + "\n")
                || !identity.equals(parts.get("identity"))
                || !names(EnumSet.allOf(InstructionFamily.class)).equals(parts.get("families"))) {
            return Optional.empty();
        }
        try {
            return Optional.of(profile(parts));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * @throws IllegalArgumentException a part is missing or means nothing
     */
    private static HostProfile profile(Map<String, String> parts) {
        return new HostProfile(
                part(parts, "kernel"),
                Integer.parseInt(part(parts, "slowdown")),
                CpuidSource.valueOf(part(parts, "kernel-cpuid")),
                CpuidSource.valueOf(part(parts, "user-cpuid")),
                set(InstructionFamily.class, part(parts, "failing")),
                set(InstructionFamily.class, part(parts, "wrong")),
                Boolean.parseBoolean(part(parts, "system-calls")),
                Paging.valueOf(part(parts, "paging")),
                MissingPages.valueOf(part(parts, "missing-pages")),
                set(KickMode.class, part(parts, "kicks")),
                capabilities(part(parts, "capabilities")));
    }

    private static String part(Map<String, String> parts, String name) {
        String value = parts.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no " + name);
        }
        return value;
    }

    private static Map<Capability, Integer> capabilities(String text) {
        Map<Capability, Integer> answers = new EnumMap<>(Capability.class);
        for (String each : words(text)) {
            int equals = each.indexOf('=');
            if (equals < 0) {
                throw new IllegalArgumentException("no answer in " + each);
            }
            answers.put(
                    Capability.valueOf(each.substring(0, equals)),
                    Integer.valueOf(each.substring(equals + 1)));
        }
        if (answers.size() != Capability.values().length) {
            throw new IllegalArgumentException("other capabilities");
        }
        return answers;
    }

    private static <E extends Enum<E>> Set<E> set(Class<E> type, String text) {
        Set<E> set = EnumSet.noneOf(type);
        for (String each : words(text)) {
            set.add(Enum.valueOf(type, each));
        }
        return set;
    }

    private static String[] words(String text) {
        return text.isEmpty() ? new String[0] : text.split(" ", -1);
    }

    private static String names(Set<? extends Enum<?>> set) {
        return set.stream().map(Enum::name).sorted().collect(Collectors.joining(" "));
    }

    private static String checksum(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return Long.toHexString(crc.getValue());
    }
}
