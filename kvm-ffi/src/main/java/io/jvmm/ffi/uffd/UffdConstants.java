// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

/**
 * Numbers of the userfaultfd interface that callers pass or get, under their names in C.
 *
 * <p>{@code …_DONTWAKE} leaves the waiting threads asleep, for a {@link Userfaultfd#tryWake} of
 * many pages at once, or because the caller itself is the thread that needs the page. {@code …_WP}
 * installs the page write-protected.
 */
public final class UffdConstants {

    /** A thread waits for a page. */
    public static final int UFFD_EVENT_PAGEFAULT = 0x12;

    /** The process has forked; the message carries a descriptor for the child's memory. */
    public static final int UFFD_EVENT_FORK = 0x13;

    /** A range has moved ({@code mremap}). */
    public static final int UFFD_EVENT_REMAP = 0x14;

    /** The pages of a range are being dropped ({@code MADV_DONTNEED}, {@code MADV_REMOVE}). */
    public static final int UFFD_EVENT_REMOVE = 0x15;

    /** A range is being unmapped. */
    public static final int UFFD_EVENT_UNMAP = 0x16;

    /** The access was a write. */
    public static final int UFFD_PAGEFAULT_FLAG_WRITE = 1;

    /** The page is there but write-protected. */
    public static final int UFFD_PAGEFAULT_FLAG_WP = 2;

    /** The page is in the file's cache but not mapped. */
    public static final int UFFD_PAGEFAULT_FLAG_MINOR = 4;

    public static final int UFFDIO_COPY_MODE_DONTWAKE = 1;
    public static final int UFFDIO_COPY_MODE_WP = 2;
    public static final int UFFDIO_ZEROPAGE_MODE_DONTWAKE = 1;
    public static final int UFFDIO_CONTINUE_MODE_DONTWAKE = 1;
    public static final int UFFDIO_CONTINUE_MODE_WP = 2;
    public static final int UFFDIO_POISON_MODE_DONTWAKE = 1;
    public static final int UFFDIO_MOVE_MODE_DONTWAKE = 1;

    /** Pages that the source lacks are passed over, and stay missing in the destination. */
    public static final int UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES = 2;

    /** Protects; without it the call takes the protection away. */
    public static final int UFFDIO_WRITEPROTECT_MODE_WP = 1;

    /** Not together with {@link #UFFDIO_WRITEPROTECT_MODE_WP}: protecting wakes nobody. */
    public static final int UFFDIO_WRITEPROTECT_MODE_DONTWAKE = 2;

    private UffdConstants() {}
}
