// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The pages that a machine touched first, in the order of touching. Recorded in one run, brought
 * ahead in the next.
 *
 * <p>As a file, little-endian: the magic {@code "jvmmwset"}, version (int, 1), number of pages
 * (int), each page's guest-physical address (long), CRC-32C of all that (int).
 */
public final class WorkingSet {

    /** No pages. */
    public static final WorkingSet EMPTY = new WorkingSet(new long[0]);

    private static final long MAGIC = 0x7465_7377_6d6d_766aL;
    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 16;
    private static final int CHECK_BYTES = 4;

    private final long[] gpas;

    WorkingSet(long[] gpas) {
        this.gpas = gpas;
    }

    /** The pages at these guest-physical addresses, in this order. */
    public static WorkingSet of(long... gpas) {
        for (long gpa : gpas) {
            if (gpa < 0 || gpa % PageRequest.PAGE_BYTES != 0) {
                throw new IllegalArgumentException("page at 0x" + Long.toHexString(gpa));
            }
        }
        return new WorkingSet(gpas.clone());
    }

    /** How many pages. */
    public int size() {
        return gpas.length;
    }

    /** Guest-physical address of a page. */
    public long gpa(int index) {
        return gpas[index];
    }

    /** Writes it to a file. */
    public void save(Path file) throws IOException {
        ByteBuffer buffer =
                ByteBuffer.allocate(HEADER_BYTES + gpas.length * Long.BYTES + CHECK_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(MAGIC).putInt(VERSION).putInt(gpas.length);
        for (long gpa : gpas) {
            buffer.putLong(gpa);
        }
        buffer.putInt(check(buffer.array(), buffer.position()));
        Files.write(file, buffer.array());
    }

    /**
     * Reads it from a file.
     *
     * @throws IOException also if it is not the file of a working set, or damaged
     */
    public static WorkingSet load(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < HEADER_BYTES + CHECK_BYTES || buffer.getLong() != MAGIC) {
            throw new IOException(file + " is not a working set");
        }
        int version = buffer.getInt();
        if (version != VERSION) {
            throw new IOException(file + " has version " + version + ", not " + VERSION);
        }
        int count = buffer.getInt();
        int body = bytes.length - CHECK_BYTES;
        if (count < 0
                || body - HEADER_BYTES != (long) count * Long.BYTES
                || buffer.getInt(body) != check(bytes, body)) {
            throw new IOException(file + " is damaged");
        }
        long[] gpas = new long[count];
        buffer.asLongBuffer().get(gpas);
        return of(gpas);
    }

    private static int check(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof WorkingSet that && Arrays.equals(gpas, that.gpas);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(gpas);
    }

    @Override
    public String toString() {
        return "working set of " + gpas.length + " pages";
    }
}
