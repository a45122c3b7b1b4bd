// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import io.jvmm.host.HostProfile;
import io.jvmm.host.HostQuirks;
import io.jvmm.host.UffdAccess;

import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** A host's profile as one JSON object (RFC 8259), for programs. */
final class HostJson {

    private static final String INDENT = "  ";

    private HostJson() {}

    static String of(HostProfile profile, UffdAccess uffd) {
        HostQuirks quirks = HostQuirks.of(profile);
        Map<String, Object> host = new LinkedHashMap<>();
        host.put("kernel", profile.kernel());
        host.put("interpretsRing0", profile.interpretsRing0());
        host.put("slowdown", profile.slowdown());
        host.put("kernelCpuid", profile.kernelCpuid());
        host.put("userCpuid", profile.userCpuid());
        host.put("failing", profile.failing().stream().sorted().toList());
        host.put("wrong", profile.wrong().stream().sorted().toList());
        host.put("systemCalls", profile.systemCalls());
        host.put("paging", profile.paging());
        host.put("missingPages", profile.missingPages());
        host.put("kicks", profile.kicks().stream().sorted().toList());
        host.put("capabilities", new TreeMap<>(profile.capabilities()));
        Map<String, Object> access = new LinkedHashMap<>();
        access.put("route", uffd.route());
        access.put("features", uffd.features().stream().sorted().toList());
        access.put("refusal", uffd.refusal());
        host.put("userfaultfd", access);
        Map<String, Object> remedies = new LinkedHashMap<>();
        remedies.put("commandLine", quirks.commandLine());
        remedies.put("completeInstructions", quirks.completeInstructions());
        remedies.put("deliverSystemCalls", quirks.deliverSystemCalls());
        host.put("quirks", remedies);
        return write(host, "") + "\n";
    }

    private static String write(Object value, String indent) {
        return switch (value) {
            case Map<?, ?> map -> object(map, indent);
            case Collection<?> list -> array(list, indent);
            case Number number -> number.toString();
            case Boolean truth -> truth.toString();
            default -> string(value.toString());
        };
    }

    private static String object(Map<?, ?> map, String indent) {
        String inner = indent + INDENT;
        StringBuilder text = new StringBuilder("{");
        for (Iterator<? extends Map.Entry<?, ?>> i = map.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<?, ?> entry = i.next();
            text.append('\n').append(inner).append(string(String.valueOf(entry.getKey())));
            text.append(": ").append(write(entry.getValue(), inner)).append(i.hasNext() ? "," : "");
        }
        return text.append('\n').append(indent).append('}').toString();
    }

    private static String array(Collection<?> list, String indent) {
        String inner = indent + INDENT;
        StringBuilder text = new StringBuilder("[");
        for (Iterator<?> i = list.iterator(); i.hasNext(); ) {
            text.append('\n').append(inner).append(write(i.next(), inner));
            text.append(i.hasNext() ? "," : "");
        }
        return list.isEmpty() ? "[]" : text.append('\n').append(indent).append(']').toString();
    }

    private static String string(String value) {
        StringBuilder text = new StringBuilder("\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"', '\\' -> text.append('\\').append(c);
                default -> {
                    if (c < ' ') {
                        text.append("\\u%04x".formatted((int) c));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        return text.append('"').toString();
    }
}
