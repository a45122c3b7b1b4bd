// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmProcess;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A Linux in {@code vmm.jar}, booted to its shell. */
final class LinuxVm {

    /** Long enough for a boot under emulation on a busy machine. */
    static final Duration BOOT = Duration.ofMinutes(2);

    /** Long enough for anything that a booted guest does. */
    static final Duration ANSWER = Duration.ofSeconds(40);

    private static final LinuxImages IMAGES = LinuxImages.locate();

    private LinuxVm() {}

    /** Boots the small Linux and waits until it is up; the caller closes what it gets. */
    static VmProcess bootSmall(int cpus, String entry, String append) {
        return boot(IMAGES.smallKernel(), IMAGES.smallInitramfs(), cpus, entry, append);
    }

    private static VmProcess boot(
            Path kernel, Path initramfs, int cpus, String entry, String append) {
        VmProcess vm =
                VmProcess.start(
                        List.of(
                                "--kernel",
                                kernel.toString(),
                                "--initrd",
                                initramfs.toString(),
                                "--append",
                                append,
                                "--memory",
                                "256M",
                                "--cpus",
                                Integer.toString(cpus),
                                "--boot-entry",
                                entry));
        try {
            return vm.waitForText(LinuxGuest.READY, BOOT);
        } catch (AssertionError e) {
            vm.close();
            throw e;
        }
    }
}
