// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.DebianPackages;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The QEMU that is the lab's hardware: the installed one if it is new enough, else a newer one from
 * Debian's backports, unpacked into the cache and loaded with the installed one's libraries.
 *
 * <p>QEMU 7.2 corrupts the flags register of emulated processors now and then. Linux 6.12 with two
 * CPUs died of it in one boot of ten, in an {@code iret} or with a damaged list, without any KVM in
 * play; QEMU 10.0 booted it every time.
 *
 * @param command the program, with the options that it always needs
 */
record LabEmulator(List<String> command) {

    private static final Logger LOG = LoggerFactory.getLogger(LabEmulator.class);

    private static final String PROGRAM = "qemu-system-x86_64";
    private static final int FIRST_GOOD = 10;
    private static final String SUITE = "bookworm-backports";
    private static final Pattern VERSION = Pattern.compile("version (\\d+)\\.");

    /** Folders of the installed QEMU's own firmware, which newer ones work with as well. */
    private static final List<String> INSTALLED_FIRMWARE =
            List.of("/usr/share/seabios", "/usr/share/qemu");

    /**
     * Finds the installed QEMU, or fetches a newer one.
     *
     * @throws LabException if none is installed, or the newer one does not run on this machine
     * @throws io.jvmm.guest.ImageException if it cannot be fetched
     */
    static LabEmulator find(DebianPackages packages) {
        int installed = version(List.of(PROGRAM), "install the package qemu-system-x86");
        if (installed >= FIRST_GOOD) {
            return new LabEmulator(List.of(PROGRAM));
        }
        LOG.debug("QEMU {} is too old for the lab; taking the one of {}", installed, SUITE);
        Path program = packages.unpacked(SUITE, "qemu-system-x86").resolve("usr/bin/" + PROGRAM);
        Path data = packages.unpacked(SUITE, "qemu-system-data").resolve("usr/share/qemu");
        List<String> command = new ArrayList<>(List.of(program.toString()));
        Stream.concat(Stream.of(data.toString()), INSTALLED_FIRMWARE.stream())
                .forEach(folder -> command.addAll(List.of("-L", folder)));
        version(command, "install qemu-system-x86 " + FIRST_GOOD + " or newer");
        return new LabEmulator(List.copyOf(command));
    }

    private static int version(List<String> command, String remedy) {
        List<String> asked = new ArrayList<>(command);
        asked.add("--version");
        Matcher matcher = VERSION.matcher(HostProgram.run(asked, remedy));
        if (!matcher.find()) {
            throw new LabException(command.getFirst() + " tells no version: " + remedy);
        }
        return Integer.parseInt(matcher.group(1));
    }
}
