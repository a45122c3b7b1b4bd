// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * The boot configuration that may stand behind an initial RAM disk (kernel document "Boot
 * Configuration"): text, its size, its checksum, a magic word. Linux takes it off before it
 * unpacks.
 */
final class BootConfigTrailer {

    private static final String MAGIC = "#BOOTCONFIG\n";

    /** Size and checksum. */
    private static final int NUMBERS = 8;

    /** Boot loaders may have filled the file up to a multiple of four bytes. */
    private static final int PADDING_MAX = 3;

    private static final int CHUNK = 1 << 16;

    private BootConfigTrailer() {}

    /**
     * Where the initial RAM disk ends: in front of the configuration, or at the end of the file.
     *
     * @throws BootException if there is a configuration, but not as it says
     */
    static long start(ByteSource source, String subject) {
        int length = NUMBERS + MAGIC.length() + PADDING_MAX;
        if (source.size() < length) {
            return source.size();
        }
        Bytes tail = source.fields(source.size() - length, length);
        for (int padding = 0; padding <= PADDING_MAX; padding++) {
            int at = length - MAGIC.length() - padding;
            if (tail.has(at, MAGIC)) {
                long numbers = source.size() - padding - MAGIC.length() - NUMBERS;
                return check(source, subject, numbers, tail.u32(at - 8), tail.u32(at - 4));
            }
        }
        return source.size();
    }

    private static long check(
            ByteSource source, String subject, long end, long size, long checksum) {
        if (size > end) {
            throw new BootException(
                    subject
                            + " is corrupt: its boot configuration says it has %s"
                                    .formatted(Sizes.describe(size)));
        }
        long sum = 0;
        for (long at = end - size; at < end; at += CHUNK) {
            for (byte b : source.bytes(at, (int) Math.min(CHUNK, end - at))) {
                sum += Byte.toUnsignedInt(b);
            }
        }
        if ((sum & 0xFFFF_FFFFL) != checksum) {
            throw new BootException(
                    subject + " is corrupt: the checksum of its boot configuration does not match");
        }
        return end - size;
    }
}
