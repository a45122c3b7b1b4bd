// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import java.util.Collection;

/** Which accesses to a registered range become faults: {@code UFFDIO_REGISTER_MODE_*}. */
public enum Tracking {
    /** To pages that are not there. */
    MISSING(1),
    /** Writes to pages that {@link Userfaultfd#tryWriteProtect} has protected. */
    WP(2),
    /** To pages that are in the file's cache but not mapped here. */
    MINOR(4);

    private final long bit;

    Tracking(long bit) {
        this.bit = bit;
    }

    long bit() {
        return bit;
    }

    static long bits(Collection<Tracking> modes) {
        long bits = 0;
        for (Tracking mode : modes) {
            bits |= mode.bit;
        }
        return bits;
    }
}
