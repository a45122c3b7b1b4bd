// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

/** What {@code madvise(2)} is told about a range of memory. */
public enum Advice {
    /** Will be used soon: read ahead. */
    WILLNEED(3),
    /** Drops the pages: the next access sees the file, or zeros in anonymous memory. */
    DONTNEED(4),
    /** Anonymous pages may be dropped when memory gets short, until they are written again. */
    FREE(8),
    /** Punches a hole into the file behind a shared mapping. */
    REMOVE(9),
    /** Not inherited by child processes. */
    DONTFORK(10),
    /** Pages of equal content may be shared with other memory (KSM). */
    MERGEABLE(12),
    /** Use transparent huge pages. */
    HUGEPAGE(14),
    /** Do not use transparent huge pages. */
    NOHUGEPAGE(15),
    /** Leave the range out of core dumps. */
    DONTDUMP(16),
    /** Not used for now: first choice when memory gets short. */
    COLD(20),
    /** Write the pages out now. */
    PAGEOUT(21),
    /** Make every page readable now, as if it had been read (Linux 5.14). */
    POPULATE_READ(22),
    /** Make every page writable now, as if it had been written (Linux 5.14). */
    POPULATE_WRITE(23),
    /** Put huge pages in place of small ones now (Linux 6.1). */
    COLLAPSE(25);

    private final int number;

    Advice(int number) {
        this.number = number;
    }

    /** The {@code MADV_*} value. */
    int number() {
        return number;
    }
}
