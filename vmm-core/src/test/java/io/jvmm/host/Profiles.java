// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.host.HostProfile.CpuidSource;
import io.jvmm.host.HostProfile.KickMode;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfile.Paging;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/** Profiles of hosts that tests talk about. */
public final class Profiles {

    private Profiles() {}

    /** A host with hardware virtualisation, where every capability answers 1. */
    public static HostProfile hardware() {
        return new HostProfile(
                "6.12.0",
                1,
                CpuidSource.MONITOR,
                CpuidSource.MONITOR,
                Set.of(),
                Set.of(),
                true,
                Paging.TWO_DIMENSIONAL,
                MissingPages.ANNOTATED,
                Set.of(KickMode.IMMEDIATE_EXIT),
                answers(1));
    }

    /** A host that interprets ring 0 and fails at the given instructions. */
    public static HostProfile interpreting(InstructionFamily... failing) {
        Set<InstructionFamily> set = EnumSet.noneOf(InstructionFamily.class);
        set.addAll(Set.of(failing));
        return new HostProfile(
                "6.18.0",
                300,
                CpuidSource.HOST,
                CpuidSource.HOST,
                set,
                Set.of(),
                false,
                Paging.SHADOW,
                MissingPages.BARE,
                Set.of(KickMode.IMMEDIATE_EXIT, KickMode.SIGNAL_MASK),
                answers(1));
    }

    /** The same host with a capability that answers otherwise. */
    static HostProfile with(HostProfile profile, Capability capability, int answer) {
        Map<Capability, Integer> capabilities = new EnumMap<>(profile.capabilities());
        capabilities.put(capability, answer);
        return new HostProfile(
                profile.kernel(),
                profile.slowdown(),
                profile.kernelCpuid(),
                profile.userCpuid(),
                profile.failing(),
                profile.wrong(),
                profile.systemCalls(),
                profile.paging(),
                profile.missingPages(),
                profile.kicks(),
                capabilities);
    }

    /** The same host, which takes an instruction for another one. */
    static HostProfile takingForOthers(HostProfile profile, InstructionFamily family) {
        return new HostProfile(
                profile.kernel(),
                profile.slowdown(),
                profile.kernelCpuid(),
                profile.userCpuid(),
                profile.failing(),
                Set.of(family),
                profile.systemCalls(),
                profile.paging(),
                profile.missingPages(),
                profile.kicks(),
                profile.capabilities());
    }

    private static Map<Capability, Integer> answers(int answer) {
        Map<Capability, Integer> capabilities = new EnumMap<>(Capability.class);
        for (Capability capability : Capability.values()) {
            capabilities.put(capability, answer);
        }
        return capabilities;
    }
}
