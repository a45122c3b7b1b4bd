// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.gate;

import java.util.Set;

/** Kinds of tests on the host, by what they need; a test is of the first kind that fits. */
enum HostKind {
    /** In containers of a Docker engine. */
    CONTAINERS("containers", "containers"),
    /** A Linux guest on this host, whatever its KVM is like. */
    LINUX_HERE("linux-here", "Linux on this host's KVM"),
    /** A stock Linux, where the host has hardware virtualisation. */
    STOCK_LINUX("linux", "Linux on hardware virtualisation"),
    /** Page faults served by this process. */
    USERFAULTFD("userfaultfd", "userfaultfd"),
    /** Guests on {@code /dev/kvm}. */
    KVM("kvm", "/dev/kvm"),
    /** All the rest. */
    PLAIN("", "no device");

    private final String tag;
    private final String label;

    HostKind(String tag, String label) {
        this.tag = tag;
        this.label = label;
    }

    /** What it is called in the table. */
    String label() {
        return "host, " + label;
    }

    /** The kind of a test with these tags. */
    static HostKind of(Set<String> tags) {
        for (HostKind kind : values()) {
            if (tags.contains(kind.tag)) {
                return kind;
            }
        }
        return PLAIN;
    }
}
