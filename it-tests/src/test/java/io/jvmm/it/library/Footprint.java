// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.library;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * What this process holds of the host, as {@code /proc/self} tells.
 *
 * @param descriptors open file descriptors
 * @param mappings lines of the memory map
 * @param vcpuPages mapped pages of vCPUs
 * @param threads kernel threads
 * @param residentBytes memory that is present
 */
public record Footprint(
        long descriptors, long mappings, long vcpuPages, long threads, long residentBytes) {

    private static final Path SELF = Path.of("/proc/self");

    public static Footprint now() {
        try {
            return new Footprint(
                    entries("fd"),
                    lines("maps", ""),
                    lines("maps", "kvm-vcpu"),
                    entries("task"),
                    Long.parseLong(status("VmRSS").replace(" kB", "")) * 1024);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the process handles the signal. */
    static boolean handles(int signal) throws IOException {
        return (Long.parseUnsignedLong(status("SigCgt"), 16) >>> (signal - 1) & 1) != 0;
    }

    private static long entries(String folder) throws IOException {
        try (Stream<Path> entries = Files.list(SELF.resolve(folder))) {
            return entries.count();
        }
    }

    private static long lines(String file, String part) throws IOException {
        try (Stream<String> lines = Files.lines(SELF.resolve(file))) {
            return lines.filter(line -> line.contains(part)).count();
        }
    }

    private static String status(String name) throws IOException {
        try (Stream<String> lines = Files.lines(SELF.resolve("status"))) {
            return lines.filter(line -> line.startsWith(name + ":"))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst()
                    .orElseThrow();
        }
    }
}
