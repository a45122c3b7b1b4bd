// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.host.HostProfile.CpuidSource;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;

/**
 * What a Linux guest and its monitor do about a host that cannot carry out all of ring 0.
 *
 * @param commandLine what to add to the guest's command line; empty where nothing is needed
 * @param completeInstructions whether the monitor is to carry out instructions that KVM gives up on
 * @param deliverSystemCalls whether the monitor is to bring system calls of ring 3 to ring 0, too
 * @param slowdown how many times slower ring 0 runs than ring 3
 */
public record HostQuirks(
        String commandLine,
        boolean completeInstructions,
        boolean deliverSystemCalls,
        int slowdown) {

    /** Nothing is to be done. */
    public static final HostQuirks NONE = new HostQuirks("", false, false, 1);

    /** Features whose instructions are there, and slower than what a guest uses without them. */
    private static final List<CpuFeature> BYTE_BY_BYTE = List.of(CpuFeature.ERMS, CpuFeature.FSRM);

    /**
     * Characters of a list that Linux reads, with a comma for each name: the buffer in {@code
     * parse_set_clear_cpuid()} has 128 bytes. Of a longer list the features that come last in
     * {@link CpuFeature} are left out; programs use them more than kernels do.
     */
    private static final int LONGEST_LIST = 128;

    /**
     * Without {@code xsave} a kernel keeps no more than SSE registers for its programs. These must
     * not use wider ones then, though their CPUID, which nobody can change, offers them. A word
     * that Linux does not know becomes a variable of its first program, which hands it on; glibc
     * reads it ("Hardware Capability Tunables" in its manual). Other libraries may do otherwise.
     */
    private static final String NARROW_VECTORS =
            "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,"
                    + "-AVX_Fast_Unaligned_Load ";

    /**
     * Stock kernels try their ciphers out before they start a program; interpreted, the signatures
     * alone take minutes.
     */
    private static final String NO_SELF_TESTS = "cryptomgr.notests ";

    /** What this host needs; {@link #NONE} on hardware virtualisation. */
    public static HostQuirks of(HostProfile profile) {
        if (profile.failing().isEmpty() && profile.wrong().isEmpty() && profile.systemCalls()) {
            return NONE;
        }
        boolean canComplete =
                profile.capabilities().getOrDefault(Capability.EXIT_ON_EMULATION_FAILURE, 0) > 0;
        return new HostQuirks(
                commandLine(profile),
                canComplete,
                canComplete && !profile.systemCalls(),
                profile.slowdown());
    }

    /** Whether there is anything to do. */
    public boolean isEmpty() {
        return commandLine.isEmpty() && !completeInstructions;
    }

    private static String commandLine(HostProfile profile) {
        Set<CpuFeature> features = EnumSet.noneOf(CpuFeature.class);
        profile.failing().forEach(family -> features.add(family.feature()));
        profile.wrong().forEach(family -> features.add(family.feature()));
        if (profile.interpretsRing0()) {
            features.addAll(BYTE_BY_BYTE);
        }
        features.remove(CpuFeature.BASELINE);
        String words = "";
        if (features.remove(CpuFeature.XSAVE)) {
            words = "noxsave " + (profile.userCpuid() == CpuidSource.HOST ? NARROW_VECTORS : "");
            features.removeIf(CpuFeature::hangsOnXsave);
        }
        if (profile.interpretsRing0()) {
            words += NO_SELF_TESTS;
        }
        StringJoiner cleared = new StringJoiner(",", "clearcpuid=", "").setEmptyValue("");
        int room = LONGEST_LIST;
        for (CpuFeature feature : features) {
            room -= feature.flag().length() + 1;
            if (room >= 0) {
                cleared.add(feature.flag());
            }
        }
        return (words + cleared).strip();
    }
}
