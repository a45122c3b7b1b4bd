// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a run of the tests was asked for, from the options that Maven was given.
 *
 * @param settings system properties, by name
 * @param partial whether only some modules or classes were asked for, so that nothing is required
 * @param times whether the longest classes are listed
 */
record GateOptions(Map<String, String> settings, boolean partial, boolean times) {

    private static final List<String> PARTS =
            List.of("-pl", "--projects", "-rf", "--resume-from", "-Dtest=", "-Dgroups=");

    /** Reads options as {@code ./vmm test} passes them on; {@code --times} is for this report. */
    static GateOptions parse(List<String> options) {
        Map<String, String> settings = new HashMap<>();
        boolean partial = false;
        boolean times = false;
        for (String option : options) {
            if (option.startsWith("-D")) {
                String[] parts = option.substring(2).split("=", 2);
                settings.put(parts[0], parts.length > 1 ? parts[1] : "true");
            }
            partial |= PARTS.stream().anyMatch(option::startsWith);
            times |= option.equals("--times");
        }
        return new GateOptions(settings, partial, times);
    }

    private boolean isRequired(String property) {
        return "required".equals(settings.get(property));
    }

    boolean labIsOff() {
        return "off".equals(settings.get("jvmm.lab"));
    }

    /** Whether this host has no KVM, so that the labs alone show what needs it. */
    boolean kvmIsInLabsAlone() {
        return "labs".equals(settings.get("jvmm.kvm"));
    }

    /** The kernels of the labs that ran, or should have. */
    List<String> labKernels() {
        return labIsOff()
                ? List.of()
                : Pattern.compile(",")
                        .splitAsStream(settings.getOrDefault("jvmm.lab.kernels", "7.2"))
                        .toList();
    }

    /** The kinds of host tests of which at least one must have run. */
    List<HostKind> requiredKinds() {
        List<HostKind> required = new ArrayList<>();
        if (partial) {
            return required;
        }
        if (isRequired("jvmm.kvm")) {
            Stream.of(HostKind.KVM, HostKind.USERFAULTFD, HostKind.LINUX_HERE)
                    .forEach(required::add);
        }
        if (kvmIsInLabsAlone()) {
            required.add(HostKind.USERFAULTFD);
        }
        if (isRequired("jvmm.docker")) {
            required.add(HostKind.CONTAINERS);
        }
        return required;
    }
}
