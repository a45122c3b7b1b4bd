// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What {@link Payload#PAGES} and the page role of {@link Payload#STRESS} expect in a page: its
 * first and its last 64 bits hold their own guest-physical address, exclusive-or a pattern. {@link
 * Payload#VERIFY} wants that of all 64-bit words between them too.
 */
public final class PayloadPages {
    /** Size of a page in bytes. */
    public static final int PAGE_SIZE = 4096;

    /** Answer to a vCPU that asks for its next pass: check the pages, in ascending order. */
    public static final int CHECK = 1 << 31;

    /** Added to {@link #CHECK} or {@link #WRITE}: in random order. */
    public static final int RANDOM = 1;

    /** Answer to a vCPU that asks for its next pass: write the pattern. */
    public static final int WRITE = CHECK | 2;

    /** Answer to a vCPU that asks for its next pass: power off. */
    public static final int FINISH = 0;

    private static final long PATTERN = 0x5a5a_5a5a_5a5a_5a5aL;

    private PayloadPages() {}

    /** The 64-bit word that belongs at a guest-physical address. */
    public static long wordAt(long gpa) {
        return gpa ^ PATTERN;
    }

    /** Fills a page of host memory, {@link #PAGE_SIZE} bytes from its position, for an address. */
    public static void fill(ByteBuffer page, long gpa) {
        ByteBuffer words = page.slice().order(ByteOrder.LITTLE_ENDIAN);
        int last = PAGE_SIZE - Long.BYTES;
        words.putLong(0, wordAt(gpa));
        words.putLong(last, wordAt(gpa + last));
    }

    /** As {@link #fill}, every word of the page. */
    public static void fillWhole(ByteBuffer page, long gpa) {
        ByteBuffer words = page.slice().order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < PAGE_SIZE; at += Long.BYTES) {
            words.putLong(at, wordAt(gpa + at));
        }
    }
}
