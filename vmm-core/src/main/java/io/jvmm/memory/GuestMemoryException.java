package io.jvmm.memory;

/**
 * A range of guest-physical addresses could not be reached: it is not memory, or not all of it in
 * one region.
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

    /** Guest-physical address of the range asked for. */
    public long gpa() {
        return gpa;
    }

    /** Length in bytes of the range asked for. */
    public long length() {
        return length;
    }
}
