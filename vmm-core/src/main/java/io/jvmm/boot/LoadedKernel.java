// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import java.util.Optional;

/**
 * A kernel that is in guest memory.
 *
 * @param via through which door it is entered
 * @param entry guest-physical address of that door
 * @param start lowest address that it was put to
 * @param end first address behind all that it needs before it reads its memory map
 * @param header its setup header, if it came with one
 * @param description what was loaded and how, for the log
 */
record LoadedKernel(
        BootEntry via,
        long entry,
        long start,
        long end,
        Optional<SetupHeader> header,
        String description) {

    /** Longest command line in bytes that it takes. */
    long commandLineMax() {
        long max = header.map(SetupHeader::commandLineMax).orElse(CommandLine.DEFAULT_MAX);
        return max == 0 ? CommandLine.DEFAULT_MAX : max;
    }

    /** Highest address that a byte of the initial RAM disk may have. */
    long initrdMax() {
        long max = header.map(SetupHeader::initrdMax).orElse(Initrd.DEFAULT_MAX);
        return max == 0 ? Initrd.DEFAULT_MAX : max;
    }
}
