// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.uffd.Feature;
import io.jvmm.host.HostProfile.CpuidSource;
import io.jvmm.host.HostProfile.KickMode;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfile.Paging;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A host's profile for people: what was found, and what to do about it.
 *
 * @param profile what the host's KVM does
 * @param uffd what this process may do about missing pages
 */
public record HostReport(HostProfile profile, UffdAccess uffd) {

    /**
     * One finding.
     *
     * @param topic what it is about
     * @param finding what was found
     * @param advice what to do about it, or what follows; empty if all is well
     */
    public record Row(String topic, String finding, String advice) {}

    /** All findings, in a sensible order. */
    public List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        rows.add(new Row("kernel", profile.kernel(), ""));
        rows.add(ring0());
        rows.add(cpuid());
        rows.add(instructions());
        if (!profile.wrong().isEmpty()) {
            rows.add(wrongResults());
        }
        if (!profile.systemCalls()) {
            rows.add(systemCalls());
        }
        rows.add(paging());
        rows.add(missingPages());
        rows.add(userfaultfd());
        rows.add(faultModes());
        rows.add(kicks());
        rows.add(vcpus());
        rows.add(new Row("memory slots", answer(Capability.NR_MEMSLOTS), ""));
        rows.add(dirtyPages());
        rows.add(capabilities());
        return rows;
    }

    private Row ring0() {
        return profile.interpretsRing0()
                ? new Row(
                        "ring 0",
                        "interpreted, %d times slower than ring 3".formatted(profile.slowdown()),
                        "a guest's kernel runs that much slower, its programs do not: boot a small"
                                + " kernel, or use a host with VT-x or SVM")
                : new Row("ring 0", "native", "");
    }

    private Row cpuid() {
        if (profile.kernelCpuid() == CpuidSource.MONITOR
                && profile.userCpuid() == CpuidSource.MONITOR) {
            return new Row("CPUID", "the monitor's", "");
        }
        return new Row(
                "CPUID",
                "in ring 0 %s, in ring 3 %s"
                        .formatted(owner(profile.kernelCpuid()), owner(profile.userCpuid())),
                "features cannot be hidden from a guest, only turned off on its command line");
    }

    private static String owner(CpuidSource source) {
        return switch (source) {
            case MONITOR -> "the monitor's";
            case HOST -> "the host's";
        };
    }

    private static String mnemonics(Set<InstructionFamily> families) {
        return families.stream()
                .sorted()
                .map(InstructionFamily::mnemonics)
                .collect(Collectors.joining(", "));
    }

    private Row instructions() {
        if (profile.failing().isEmpty()) {
            return new Row("instructions", "all tried work", "");
        }
        HostQuirks quirks = HostQuirks.of(profile);
        String completion =
                quirks.completeInstructions()
                        ? "the monitor completes those that kernels use"
                        : "this kernel lacks KVM_CAP_EXIT_ON_EMULATION_FAILURE: use Linux 5.15 or"
                                + " newer";
        return new Row(
                "instructions",
                "fail in ring 0: " + mnemonics(profile.failing()),
                completion + "; added to a guest's command line: " + quirks.commandLine());
    }

    private Row wrongResults() {
        return new Row(
                "wrong results",
                "in ring 0: " + mnemonics(profile.wrong()),
                "KVM takes them for other instructions and does not ask, so the monitor cannot"
                        + " complete them; turned off on a guest's command line");
    }

    private Row systemCalls() {
        return new Row(
                "system calls",
                "syscall in ring 3 does not arrive in ring 0",
                HostQuirks.of(profile).deliverSystemCalls()
                        ? "the monitor delivers them"
                        : "programs cannot run on a guest's kernel here");
    }

    private Row paging() {
        return switch (profile.paging()) {
            case TWO_DIMENSIONAL -> new Row("paging", "two-dimensional (EPT or NPT)", "");
            case SHADOW ->
                    new Row(
                            "paging",
                            "shadow page tables",
                            "a vCPU that waits for a missing page table of its guest cannot be"
                                    + " kicked until the page comes");
            case UNKNOWN -> new Row("paging", "unknown", "taken for shadow page tables");
        };
    }

    private Row missingPages() {
        return switch (profile.missingPages()) {
            case ANNOTATED ->
                    new Row("missing pages", "KVM_EXIT_MEMORY_FAULT tells the address", "");
            case BARE -> new Row("missing pages", "EFAULT without the address", "");
            case UNKNOWN -> new Row("missing pages", "unknown", "");
        };
    }

    private Row userfaultfd() {
        if (uffd.route() == UffdAccess.Route.NONE) {
            return new Row("userfaultfd", "none", uffd.refusal());
        }
        String route =
                uffd.route() == UffdAccess.Route.DEVICE ? "by /dev/userfaultfd" : "by system call";
        String missing =
                Stream.of(Feature.values())
                        .filter(feature -> !uffd.features().contains(feature))
                        .map(feature -> "%s (Linux %s)".formatted(feature, feature.since()))
                        .collect(Collectors.joining(", "));
        return new Row(
                "userfaultfd",
                "%s, %d features".formatted(route, uffd.features().size()),
                missing.isEmpty() ? "" : "missing: " + missing);
    }

    private Row faultModes() {
        if (uffd.route() == UffdAccess.Route.NONE) {
            return new Row("fault modes", "none", "no lazy restore and no post-copy");
        }
        List<String> modes = new ArrayList<>(List.of("blocking"));
        boolean mayServeItself = profile.paging() == Paging.TWO_DIMENSIONAL;
        if (mayServeItself
                && profile.missingPages() == MissingPages.ANNOTATED
                && uffd.features().contains(Feature.SIGBUS)) {
            modes.add("annotated exits");
        }
        if (mayServeItself && uffd.features().contains(Feature.POISON)) {
            modes.add("poison markers");
        }
        return new Row(
                "fault modes",
                String.join(", ", modes),
                mayServeItself
                        ? ""
                        : "a vCPU that serves its own faults needs two-dimensional paging");
    }

    private Row kicks() {
        Set<KickMode> kicks = profile.kicks();
        return new Row(
                "kick",
                kicks.isEmpty()
                        ? "none"
                        : kicks.stream()
                                .sorted()
                                .map(kick ->
                                        switch (kick) {
                                            case IMMEDIATE_EXIT -> "immediate_exit";
                                            case SIGNAL_MASK -> "signal mask";
                                        })
                                .collect(Collectors.joining(", ")),
                kicks.contains(KickMode.IMMEDIATE_EXIT) ? "" : "use Linux 4.11 or newer");
    }

    private Row vcpus() {
        return new Row(
                "vCPUs",
                "%s recommended, %s at most, ids below %s"
                        .formatted(
                                answer(Capability.NR_VCPUS),
                                answer(Capability.MAX_VCPUS),
                                answer(Capability.MAX_VCPU_ID)),
                "");
    }

    private Row dirtyPages() {
        List<String> ways = new ArrayList<>(List.of("log"));
        if (number(Capability.MANUAL_DIRTY_LOG_PROTECT2) > 0) {
            ways.add("log with manual protection");
        }
        if (number(Capability.DIRTY_LOG_RING) > 0) {
            ways.add("ring of %s bytes".formatted(answer(Capability.DIRTY_LOG_RING)));
        }
        if (uffd.features().contains(Feature.WP_ASYNC)) {
            ways.add("asynchronous write protection");
        }
        return new Row("dirty pages", String.join(", ", ways), "");
    }

    private Row capabilities() {
        String missing = names(false);
        return new Row("capabilities", names(true), missing.isEmpty() ? "" : "missing: " + missing);
    }

    private String names(boolean there) {
        return Stream.of(Capability.values())
                .filter(capability -> (number(capability) > 0) == there)
                .map(Capability::name)
                .collect(Collectors.joining(", "));
    }

    private int number(Capability capability) {
        return profile.capabilities().getOrDefault(capability, 0);
    }

    private String answer(Capability capability) {
        return Integer.toString(number(capability));
    }
}
