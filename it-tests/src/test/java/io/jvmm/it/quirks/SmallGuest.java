// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.guest.SmallLinux;
import io.jvmm.host.HostProfiles;
import io.jvmm.host.HostQuirks;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The small Linux as a guest of this host, whatever its KVM is like. */
final class SmallGuest {

    /**
     * Long enough for a boot that is interpreted, on a machine that is busy with ten other things.
     */
    static final Duration BOOT = Duration.ofMinutes(15);

    /** Long enough for what a guest does in a second when it is alone. */
    static final Duration ANSWER = Duration.ofMinutes(5);

    /** What a kernel prints when something is wrong with it. */
    static final String[] COMPLAINTS = {"Oops", "BUG:", "WARNING:", "Call Trace", "segfault"};

    /**
     * Has the guest's clock run some ten times slower than the host's: on a busy machine its ticks
     * would take all the time that it gets. For tests that are not about time.
     */
    static final String SLOW_CLOCK = "no-kvmclock tsc=reliable tsc_early_khz=26000000";

    private static final String MEMORY_MIB = "256";

    private SmallGuest() {}

    /** Its kernel; built first if the cache does not have it, which takes minutes. */
    static Path kernel() {
        return SmallLinux.build(ImageCache.ofUser(), packages()).image();
    }

    static Path initramfs() {
        return LinuxGuest.plainInitramfs(ImageCache.ofUser(), packages());
    }

    private static DebianPackages packages() {
        return new DebianPackages(ImageCache.ofUser());
    }

    /** What this host needs, as the command finds it out. */
    static HostQuirks quirks() {
        return new HostProfiles(ImageCache.ofUser().root().resolve("host")).quirks();
    }

    /** Arguments of {@code vmm} and, as far as they are named alike, of others. */
    static List<String> arguments(String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "--kernel",
                                kernel().toString(),
                                "--initrd",
                                initramfs().toString(),
                                "--memory",
                                MEMORY_MIB + "M"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    /** The command by which QEMU boots it on KVM, its serial port and its errors on one stream. */
    static List<String> qemu(String commandLine) {
        return List.of(
                "sh",
                "-c",
                "exec \"$@\" 2>&1",
                "sh",
                "qemu-system-x86_64",
                "-accel",
                "kvm",
                "-m",
                MEMORY_MIB,
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-serial",
                "stdio",
                "-kernel",
                kernel().toString(),
                "-initrd",
                initramfs().toString(),
                "-append",
                commandLine);
    }
}
