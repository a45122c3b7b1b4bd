// SPDX-License-Identifier: Apache-2.0
package io.jvmm.memory;

import io.jvmm.paging.PagingException;

import java.util.Optional;

/**
 * A range of guest-physical addresses could not be reached: it is not memory, not all of it in one
 * region, or a page of it is missing and does not come ({@link #missing}).
 *
 * <p>Where the address came from the guest, the caller turns this into what hardware would do (a
 * failed descriptor, all-ones); it never reaches the guest's owner.
 */
public final class GuestMemoryException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final long gpa;
    private final long length;

    GuestMemoryException(long gpa, long length, String reason) {
        super("Guest memory [0x%x, +0x%x): %s".formatted(gpa, length, reason));
        this.gpa = gpa;
        this.length = length;
    }

    GuestMemoryException(long gpa, long length, PagingException missing) {
        super(
                "Guest memory [0x%x, +0x%x): %s".formatted(gpa, length, missing.getMessage()),
                missing);
        this.gpa = gpa;
        this.length = length;
    }

    /** Why a page of the range could not be brought; empty if the range itself is bad. */
    public Optional<PagingException.Reason> missing() {
        return getCause() instanceof PagingException paging
                ? Optional.of(paging.reason())
                : Optional.empty();
    }

    /** Guest-physical address of the range asked for. */
    public long gpa() {
        return gpa;
    }

    /** Length in bytes of the range asked for. */
    public long length() {
        return length;
    }
}
