// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/** What a userfaultfd can do beyond missing pages of anonymous memory: {@code UFFD_FEATURE_*}. */
public enum Feature {
    /** Messages about write-protected pages of anonymous memory. */
    PAGEFAULT_FLAG_WP(0, "5.7"),
    /** Messages about forks; needs {@code CAP_SYS_PTRACE}. Every fork waits for its reader. */
    EVENT_FORK(1, "4.11"),
    /** Messages about moved ranges. */
    EVENT_REMAP(2, "4.11"),
    /** Messages about dropped pages. Who drops them waits until the message has been read. */
    EVENT_REMOVE(3, "4.11"),
    /** Missing pages of huge page files. */
    MISSING_HUGETLBFS(4, "4.11"),
    /** Missing pages of shared memory and memfds. */
    MISSING_SHMEM(5, "4.11"),
    /** Messages about unmapped ranges. */
    EVENT_UNMAP(6, "4.11"),
    /** {@code SIGBUS} for the thread that touches a missing page, instead of a message. */
    SIGBUS(7, "4.14"),
    /** Messages name the thread that waits. */
    THREAD_ID(8, "4.14"),
    /** Minor faults of huge page files. */
    MINOR_HUGETLBFS(9, "5.13"),
    /** Minor faults of shared memory: the page is in the file's cache but not mapped. */
    MINOR_SHMEM(10, "5.14"),
    /** Addresses are exact, not those of the page. Has no effect for a guest's accesses. */
    EXACT_ADDRESS(11, "5.18"),
    /** Write protection of huge page files and shared memory. */
    WP_HUGETLBFS_SHMEM(12, "5.19"),
    /** Write protection holds for pages too that are not there yet. */
    WP_UNPOPULATED(13, "6.4"),
    /** Pages can be marked as broken. */
    POISON(14, "6.6"),
    /** Write protection is taken away by the kernel itself, for finding out what has changed. */
    WP_ASYNC(15, "6.7"),
    /** Pages can be moved instead of copied. */
    MOVE(16, "6.8");

    private final long bit;
    private final String since;

    Feature(int bit, String since) {
        this.bit = 1L << bit;
        this.since = since;
    }

    /** The {@code UFFD_FEATURE_*} value. */
    public long bit() {
        return bit;
    }

    /** The version of Linux that brought it. */
    public String since() {
        return since;
    }

    static long bits(Collection<Feature> features) {
        long bits = 0;
        for (Feature feature : features) {
            bits |= feature.bit;
        }
        return bits;
    }

    /** The features in a mask; bits that are newer than this class are left out. */
    static Set<Feature> of(long bits) {
        Set<Feature> features = EnumSet.noneOf(Feature.class);
        for (Feature feature : values()) {
            if ((bits & feature.bit) != 0) {
                features.add(feature);
            }
        }
        return features;
    }
}
