// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.source;

import io.jvmm.paging.PageRequest;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * A memory image in chunks that are packed each by itself, so that a page is had by unpacking one
 * of them. {@link PackedPageSource} reads it.
 *
 * <p>As a file, little-endian: the magic {@code "jvmmpack"}, version (int, 1), bytes of a chunk
 * (int), bytes of the image (long), CRC-32C of all that and the table (int), 0 (int). Then the
 * table: for each chunk its offset in the file (long), its stored bytes (int) and the CRC-32C of
 * its content (int). A chunk of 0 stored bytes is all zero; one of as many as it has is stored as
 * it is; any other is a block in LZ4's format.
 */
public final class PackedImage {

    static final long MAGIC = 0x6b63_6170_6d6d_766aL;
    static final int VERSION = 1;
    static final int HEADER_BYTES = 32;
    static final int CHECK_AT = 24;
    static final int ENTRY_BYTES = 16;

    private static final int PAGE = PageRequest.PAGE_BYTES;
    private static final int MAX_CHUNK = PageRequest.MAX_PAGES * PAGE;

    private PackedImage() {}

    /** Whether a number of bytes can be a chunk: a power of two, 4 KiB to 2 MiB. */
    static boolean isChunk(int bytes) {
        return Integer.bitCount(bytes) == 1 && bytes >= PAGE && bytes <= MAX_CHUNK;
    }

    static int chunks(long bytes, int chunkBytes) {
        return Math.toIntExact((bytes + chunkBytes - 1) / chunkBytes);
    }

    /** The checksum in the header: of the header without it, and the table. */
    static int check(ByteBuffer head) {
        CRC32C crc = new CRC32C();
        crc.update(head.duplicate().position(0).limit(CHECK_AT));
        crc.update(head.duplicate().position(HEADER_BYTES).limit(head.capacity()));
        return (int) crc.getValue();
    }

    /**
     * Packs an image.
     *
     * @param image a multiple of 4 KiB long; holes are zero
     * @param packed is replaced if it is there
     * @param chunkBytes a power of two, 4 KiB to 2 MiB: larger ones pack better, smaller ones are
     *     sooner had
     */
    public static void pack(Path image, Path packed, int chunkBytes) throws IOException {
        if (!isChunk(chunkBytes)) {
            throw new IllegalArgumentException("chunks of " + chunkBytes + " bytes");
        }
        try (FileChannel in = FileChannel.open(image, StandardOpenOption.READ);
                FileChannel out =
                        FileChannel.open(
                                packed,
                                StandardOpenOption.CREATE,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.TRUNCATE_EXISTING)) {
            pack(in, out, chunkBytes);
        }
    }

    private static void pack(FileChannel in, FileChannel out, int chunkBytes) throws IOException {
        long bytes = in.size();
        if (bytes == 0 || bytes % PAGE != 0) {
            throw new IllegalArgumentException(bytes + " bytes are not whole pages");
        }
        int chunks = chunks(bytes, chunkBytes);
        ByteBuffer head =
                ByteBuffer.allocate(Math.addExact(HEADER_BYTES, chunks * ENTRY_BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(MAGIC).putInt(VERSION).putInt(chunkBytes).putLong(bytes).putLong(0);
        Lz4Block lz4 = new Lz4Block();
        ByteBuffer content = ByteBuffer.allocate(chunkBytes);
        // Smaller than the chunk, or it is not worth it.
        byte[] block = new byte[chunkBytes - chunkBytes / 8];
        long end = head.capacity();
        for (int chunk = 0; chunk < chunks; chunk++) {
            content.clear().limit((int) Math.min(chunkBytes, bytes - (long) chunk * chunkBytes));
            readFully(in, content, (long) chunk * chunkBytes);
            int length = content.flip().limit();
            ByteBuffer stored = content;
            if (isZero(content.array(), length)) {
                stored = ByteBuffer.allocate(0);
            } else {
                int size = lz4.pack(content.array(), length, block);
                if (size >= 0 && size < length) {
                    stored = ByteBuffer.wrap(block, 0, size);
                }
            }
            CRC32C crc = new CRC32C();
            crc.update(content.array(), 0, length);
            head.putLong(end).putInt(stored.remaining()).putInt((int) crc.getValue());
            end += writeFully(out, stored, end);
        }
        head.putInt(CHECK_AT, check(head)).flip();
        writeFully(out, head, 0);
    }

    private static boolean isZero(byte[] content, int length) {
        for (int i = 0; i < length; i++) {
            if (content[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private static void readFully(FileChannel in, ByteBuffer target, long at) throws IOException {
        while (target.hasRemaining()) {
            int count = in.read(target, at + target.position());
            if (count < 0) {
                throw new IOException("the image got shorter while it was packed");
            }
        }
    }

    private static long writeFully(FileChannel out, ByteBuffer source, long at) throws IOException {
        long written = 0;
        while (source.hasRemaining()) {
            written += out.write(source, at + written);
        }
        return written;
    }
}
