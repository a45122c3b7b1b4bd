// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/** What pages are full of: a number that tells them apart, in every long. */
public final class Pattern {

    public static final long PAGE = PageRequest.PAGE_BYTES;

    private Pattern() {}

    public static long of(long gpa) {
        return (gpa + 1) * 0x9E37_79B9_7F4A_7C15L | 1;
    }

    public static void fill(MemorySegment memory, long offset, long gpa, int pages) {
        for (int page = 0; page < pages; page++) {
            long value = of(gpa + page * PAGE);
            for (long at = 0; at < PAGE; at += Long.BYTES) {
                memory.set(JAVA_LONG, offset + page * PAGE + at, value);
            }
        }
    }

    /** Whether a page, which is present, is full of its number. */
    public static boolean isAt(MemorySegment memory, long offset, long gpa) {
        return isFullOf(memory, offset, of(gpa));
    }

    public static boolean isFullOf(MemorySegment memory, long offset, long value) {
        for (long at = 0; at < PAGE; at += Long.BYTES) {
            if (memory.get(JAVA_LONG, offset + at) != value) {
                return false;
            }
        }
        return true;
    }

    public static void assertAt(MemorySegment memory, long offset, long gpa) {
        assertThat(isAt(memory, offset, gpa)).as("page at 0x%x", gpa).isTrue();
    }
}
