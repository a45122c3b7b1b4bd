// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;

/** Small files that unpack to very many zeros, or ask for very much memory to do it. */
final class Bombs {

    private static final int ZSTD_BLOCK = 128 << 10;

    /** Offset of the dictionary's size in a file of {@link #xz}, behind stream and block header. */
    private static final int XZ_DICTIONARY = 16;

    private static final int XZ_BLOCK = 12;
    private static final int XZ_BLOCK_CRC = 20;

    private Bombs() {}

    private interface Packing {
        OutputStream around(OutputStream out) throws IOException;
    }

    static byte[] gzip(byte[] beginning, long zeros) {
        return pack(GZIPOutputStream::new, beginning, zeros);
    }

    static byte[] xz(byte[] beginning, long zeros) {
        LZMA2Options fast = new LZMA2Options();
        try {
            fast.setPreset(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return pack(out -> new XZOutputStream(out, fast, XZ.CHECK_CRC32), beginning, zeros);
    }

    /** As {@link #xz}, but it says that it needs a dictionary of 128 MiB. */
    static byte[] xzWithHugeDictionary(long zeros) {
        byte[] file = xz(new byte[0], zeros);
        file[XZ_DICTIONARY] = 30; // 2 << (30 / 2 + 11)
        CRC32 crc = new CRC32();
        crc.update(file, XZ_BLOCK, XZ_BLOCK_CRC - XZ_BLOCK);
        little(file).putInt(XZ_BLOCK_CRC, (int) crc.getValue());
        return file;
    }

    /** Frame header without size and checksum, then blocks that repeat one byte (RFC 8878). */
    static byte[] zstd(byte[] beginning, long zeros) {
        int blocks = (int) (zeros / ZSTD_BLOCK);
        byte[] file = new byte[6 + 3 + beginning.length + 4 * blocks];
        ByteBuffer out = little(file);
        out.putInt(0xFD2F_B528).put((byte) 0).put((byte) 0x58); // window of 2 MiB
        out.putShort((short) (beginning.length << 3)).put((byte) 0).put(beginning);
        for (int block = 1; block <= blocks; block++) {
            int last = block == blocks ? 1 : 0;
            out.putInt(ZSTD_BLOCK << 3 | 1 << 1 | last); // the repeated byte is the topmost: 0
        }
        return file;
    }

    /** The header and the name of a cpio entry whose content, zeros, is {@code size} bytes long. */
    static byte[] cpioHeader(long size) {
        String header =
                "070701"
                        + "%08x%08x".formatted(1, 0100644)
                        + "%08x".formatted(0).repeat(4)
                        + "%08x".formatted(size)
                        + "%08x".formatted(0).repeat(4)
                        + "%08x%08x".formatted(2, 0)
                        + "a\0";
        return header.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] pack(Packing packing, byte[] beginning, long zeros) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] chunk = new byte[1 << 20];
        try (OutputStream out = packing.around(bytes)) {
            out.write(beginning);
            for (long left = zeros; left > 0; left -= chunk.length) {
                out.write(chunk, 0, (int) Math.min(left, chunk.length));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static ByteBuffer little(byte[] file) {
        return ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    }
}
