// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import io.jvmm.layout.GuestLayout;
import io.jvmm.memory.GuestMemory;

import java.nio.charset.StandardCharsets;

/** Puts the kernel command line into guest memory. */
final class CommandLine {

    /** Longest command line in bytes of a kernel that does not say: that of Linux on x86. */
    static final long DEFAULT_MAX = 2047;

    private CommandLine() {}

    /**
     * Writes the command line, in UTF-8 and ended by a zero byte. What it says is the kernel's
     * business, line breaks included.
     *
     * @param hostWords what the host adds in front: of an option that is given twice, Linux takes
     *     the last
     * @param max the most bytes that the kernel takes
     * @throws BootException if it is longer, or has a zero byte, which would end it
     */
    static void write(GuestMemory memory, String hostWords, String text, long max) {
        String prefix = hostWords.isEmpty() ? "" : hostWords + " ";
        byte[] bytes = (prefix + text).getBytes(StandardCharsets.UTF_8);
        long limit = Math.min(max, GuestLayout.COMMAND_LINE_SIZE - 1);
        if (bytes.length > limit) {
            String remedy =
                    prefix.isEmpty()
                            ? "; give it less"
                            : ("; %d of them are the words for a host that interprets kernels:"
                                            + " give less, or switch host quirks off")
                                    .formatted(prefix.getBytes(StandardCharsets.UTF_8).length);
            throw new BootException(
                    "The command line has %d bytes, and the kernel takes at most %d"
                                    .formatted(bytes.length, limit)
                            + remedy);
        }
        for (byte b : bytes) {
            if (b == 0) {
                throw new BootException("The command line has a zero byte, which would end it");
            }
        }
        memory.copyIn(GuestLayout.COMMAND_LINE, bytes);
        memory.writeU8(GuestLayout.COMMAND_LINE + bytes.length, 0);
    }
}
