// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The shape of KVM's variable-length arguments: a 32-bit count, padding, then that many entries.
 * Owns count, capacity and bounds, so that its users only see entries.
 */
final class CountedList {

    private final MemorySegment segment;
    private final long headerSize;
    private final long entrySize;

    /**
     * An argument of {@code capacity} entries, whose count says so.
     *
     * @param headerSize bytes before the first entry: 8, or 4 for lists of plain numbers
     */
    CountedList(Arena arena, long headerSize, long entrySize, int capacity) {
        this.segment = arena.allocate(headerSize + entrySize * capacity, Long.BYTES);
        this.headerSize = headerSize;
        this.entrySize = entrySize;
        segment.set(JAVA_INT, 0, capacity);
    }

    MemorySegment segment() {
        return segment;
    }

    /** The count as the kernel left it; after {@code E2BIG} it is the count that it wants. */
    int count() {
        return segment.get(JAVA_INT, 0);
    }

    /** Where entry {@code index} begins. */
    long at(int index) {
        return headerSize + entrySize * index;
    }
}
