// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import io.jvmm.layout.GuestLayout;
import io.jvmm.paging.source.FilePageSource;

import java.util.ArrayList;
import java.util.List;

/**
 * Which guest-physical addresses are memory: one range from 0, and for guests larger than 3 GiB a
 * second one from 4 GiB, above the device hole.
 *
 * @param ranges the ranges in ascending order
 */
public record GuestMemoryMap(List<Range> ranges) {

    private static final long MIB = 1L << 20;

    /** Smallest guest in bytes: 16 MiB, room for the loader's structures and a small payload. */
    public static final long MIN_BYTES = 16 * MIB;

    /**
     * Largest guest in bytes: 1 TiB less the hole, so that all memory lies within the 40 address
     * bits that the smallest KVM hosts offer.
     */
    public static final long MAX_BYTES = (1L << 40) - GuestLayout.MMIO_HOLE_SIZE;

    /**
     * A range of guest-physical addresses that is memory.
     *
     * @param gpa first address
     * @param size size in bytes
     */
    public record Range(long gpa, long size) {
        /** First address after the range. */
        public long end() {
            return gpa + size;
        }
    }

    /** Keeps a copy of the ranges. */
    public GuestMemoryMap {
        ranges = List.copyOf(ranges);
    }

    /**
     * Lays out {@code bytes} bytes of guest memory.
     *
     * @throws IllegalArgumentException if the size is not a number of 4 KiB pages between {@link
     *     #MIN_BYTES} and {@link #MAX_BYTES}; the message says which
     */
    public static GuestMemoryMap plan(long bytes) {
        if (bytes < MIN_BYTES) {
            throw new IllegalArgumentException(
                    "Guest memory of %d bytes is too small; the least is %d MiB"
                            .formatted(bytes, MIN_BYTES / MIB));
        }
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException(
                    "Guest memory of %d MiB is too large; the most is %d MiB"
                            .formatted(bytes / MIB, MAX_BYTES / MIB));
        }
        if (bytes % GuestLayout.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    "Guest memory of %d bytes is not a number of 4 KiB pages".formatted(bytes));
        }
        long low = Math.min(bytes, GuestLayout.MMIO_HOLE);
        Range lowRange = new Range(0, low);
        return new GuestMemoryMap(
                low == bytes
                        ? List.of(lowRange)
                        : List.of(lowRange, new Range(GuestLayout.HIGH_MEMORY, bytes - low)));
    }

    /**
     * The parts of a file that holds guest memory range by range, without the hole between them: as
     * {@link FilePageSource} wants them.
     *
     * @param offset of the first range in the file, in bytes
     */
    public List<FilePageSource.Part> partsOfFile(long offset) {
        List<FilePageSource.Part> parts = new ArrayList<>();
        long next = offset;
        for (Range range : ranges) {
            parts.add(new FilePageSource.Part(range.gpa(), next, range.size()));
            next += range.size();
        }
        return parts;
    }

    /** Sum of the sizes of all ranges, in bytes. */
    public long sizeBytes() {
        return ranges.stream().mapToLong(Range::size).sum();
    }
}
