// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.EventFd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalLong;

/**
 * A write of the guest that signals an eventfd instead of leaving the guest ({@code struct
 * kvm_ioeventfd}).
 *
 * @param space of the address
 * @param address of the write's first byte
 * @param width of the write in bytes: 1, 2, 4 or 8; 0 for any, which needs {@code
 *     KVM_CAP_IOEVENTFD_ANY_LENGTH}
 * @param value that has to be written, zero-extended; empty for any
 */
public record Ioeventfd(Space space, long address, int width, OptionalLong value) {

    /** The address spaces of a guest. */
    public enum Space {
        /** I/O ports. */
        PORT,
        /** Guest-physical memory. */
        MMIO
    }

    static final int SIZE = 64;
    static final long DATA_MATCH = 0;
    static final long ADDRESS = 8;
    static final long LENGTH = 16;
    static final long DESCRIPTOR = 20;
    static final long FLAGS = 24;

    /**
     * Checks what the kernel would misread.
     *
     * @throws IllegalArgumentException if the width is none, or a value is wanted of any width
     */
    public Ioeventfd {
        boolean possible =
                width == 0 ? value.isEmpty() : width <= 8 && Integer.bitCount(width) == 1;
        if (!possible) {
            throw new IllegalArgumentException(
                    "an ioeventfd of %d bytes with value %s".formatted(width, value));
        }
    }

    MemorySegment toSegment(Arena arena, EventFd signalled, int flags) {
        MemorySegment segment = arena.allocate(SIZE, Long.BYTES);
        segment.set(JAVA_LONG, DATA_MATCH, value.orElse(0));
        segment.set(JAVA_LONG, ADDRESS, address);
        segment.set(JAVA_INT, LENGTH, width);
        segment.set(JAVA_INT, DESCRIPTOR, signalled.fd().number());
        segment.set(
                JAVA_INT,
                FLAGS,
                flags
                        | (space == Space.PORT ? KvmConstants.KVM_IOEVENTFD_FLAG_PIO : 0)
                        | (value.isPresent() ? KvmConstants.KVM_IOEVENTFD_FLAG_DATAMATCH : 0));
        return segment;
    }
}
