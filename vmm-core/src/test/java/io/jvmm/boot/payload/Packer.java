// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZ;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;

/** Packs content for tests, in every format for which a library or a trick is at hand. */
public final class Packer {

    private static final int ZSTD_RAW_BLOCK = 100_000;

    private Packer() {}

    private interface Wrap {
        OutputStream around(OutputStream out) throws IOException;
    }

    /** The content in the given format; Zstandard comes in blocks that are not compressed. */
    public static byte[] pack(Compression format, byte[] content) {
        return switch (format) {
            case GZIP -> through(GZIPOutputStream::new, content);
            case BZIP2 -> through(BZip2CompressorOutputStream::new, content);
            case XZ -> through(Packer::xz, content);
            case LZMA ->
                    through(out -> new LZMAOutputStream(out, new LZMA2Options(1), -1), content);
            case LZ4 -> through(FramedLZ4CompressorOutputStream::new, content);
            case LZ4_LEGACY -> lz4Legacy(content);
            case ZSTD -> zstdStored(content);
            case LZO -> throw new IllegalArgumentException("nothing packs LZO here");
        };
    }

    /** With the x86 filter and the checksum that Linux uses for its own image. */
    private static OutputStream xz(OutputStream out) throws IOException {
        return new XZOutputStream(
                out, new FilterOptions[] {new X86Options(), new LZMA2Options(1)}, XZ.CHECK_CRC32);
    }

    private static byte[] through(Wrap wrap, byte[] content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = wrap.around(bytes)) {
            out.write(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] lz4Legacy(byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(word(Lz4Decoder.MAGIC));
        int block = 8 << 20;
        for (int at = 0; at < content.length; at += block) {
            byte[] part = Arrays.copyOfRange(content, at, Math.min(content.length, at + block));
            byte[] packed = lz4Block(part);
            out.writeBytes(word(packed.length));
            out.writeBytes(packed);
        }
        return out.toByteArray();
    }

    /** One block, by the simplest search there is: the last place with the same four bytes. */
    private static byte[] lz4Block(byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int[] lastSeen = new int[1 << 16];
        Arrays.fill(lastSeen, -1);
        int literals = 0;
        int at = 0;
        // The format wants the last five bytes to be literals, and no match in the last twelve.
        while (at < content.length - 12) {
            int hash = (LittleEndian.i32(content, at) * 0x9E37_79B1) >>> 16;
            int candidate = lastSeen[hash];
            lastSeen[hash] = at;
            int length = 0;
            if (candidate >= 0 && at - candidate <= 0xFFFF) {
                while (at + length < content.length - 5
                        && content[candidate + length] == content[at + length]) {
                    length++;
                }
            }
            if (length < 4) {
                at++;
                continue;
            }
            lz4Sequence(out, content, literals, at, at - candidate, length);
            at += length;
            literals = at;
        }
        lz4Sequence(out, content, literals, content.length, 0, 4);
        return out.toByteArray();
    }

    /** Literals {@code [from, to)}, and a match unless {@code offset} is 0. */
    private static void lz4Sequence(
            ByteArrayOutputStream out, byte[] content, int from, int to, int offset, int length) {
        out.write(Math.min(15, to - from) << 4 | Math.min(15, length - 4));
        lz4Length(out, to - from);
        out.write(content, from, to - from);
        if (offset != 0) {
            out.write(offset);
            out.write(offset >>> 8);
            lz4Length(out, length - 4);
        }
    }

    private static void lz4Length(ByteArrayOutputStream out, int length) {
        if (length >= 15) {
            int rest = length - 15;
            for (; rest >= 255; rest -= 255) {
                out.write(255);
            }
            out.write(rest);
        }
    }

    private static byte[] zstdStored(byte[] content) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(word(ZstdDecoder.MAGIC));
        out.write(0x04); // checksum, no content size
        out.write(0x38); // window of 128 KiB
        int at = 0;
        do {
            int length = Math.min(ZSTD_RAW_BLOCK, content.length - at);
            boolean last = at + length == content.length;
            int header = length << 3 | (last ? 1 : 0);
            out.write(header);
            out.write(header >>> 8);
            out.write(header >>> 16);
            out.write(content, at, length);
            at += length;
        } while (at < content.length);
        out.writeBytes(word((int) XxHash64.hash(content, 0, content.length)));
        return out.toByteArray();
    }

    private static byte[] word(int value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
    }

    /** A file that a command packed, see the README beside it. */
    static byte[] resource(String name) {
        try (InputStream in = Packer.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalArgumentException("no resource " + name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
