package io.jvmm.boot.payload;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * The ways in which a kernel may be compressed, recognised by their first bytes.
 *
 * <p>Unpacking takes hostile input: it ends with the content or with a {@link PayloadException},
 * and takes no more memory than the given limit and a dictionary of at most {@value
 * #DICTIONARY_KIB} KiB.
 */
public enum Compression {
    GZIP("1f8b08"),
    BZIP2("425a68"),
    XZ("fd377a585a00"),
    /** No magic number; but who compresses a kernel leaves lc, lp and pb alone. */
    LZMA("5d0000"),
    /** The legacy frame, which is what Linux packs itself with. */
    LZ4_LEGACY("02214c18"),
    /** The frame that the lz4 command writes by default. */
    LZ4("04224d18"),
    ZSTD("28b52ffd"),
    LZO("894c5a4f000d0a1a0a");

    /** Length of the longest magic number in bytes. */
    private static final int MAGIC_MAX = 9;

    /** Largest dictionary of xz and lzma that is accepted; Linux uses 32 MiB. */
    private static final int DICTIONARY_KIB = 130 << 10;

    private final String magic;

    Compression(String magic) {
        this.magic = magic;
    }

    /** The format that data with these first bytes has, if it is one of them. */
    public static Optional<Compression> detect(byte[] head) {
        String hex = HexFormat.of().formatHex(head, 0, Math.min(head.length, MAGIC_MAX));
        return Arrays.stream(values()).filter(format -> hex.startsWith(format.magic)).findFirst();
    }

    /** Name as in messages: {@code gzip}, {@code zstd}, ... */
    public String label() {
        return this == LZ4_LEGACY ? "lz4" : name().toLowerCase(Locale.ROOT);
    }

    /**
     * Unpacks all of {@code in}.
     *
     * @param in the packed bytes and nothing after them; need not be buffered, is not closed
     * @param expected the size that the content should have, in bytes, or 0 if unknown; only a hint
     *     to allocate the right amount at once
     * @param limit the largest content accepted, in bytes
     * @return the content, on the heap
     * @throws PayloadException if the data is corrupt, truncated, or larger than {@code limit}
     */
    public MemorySegment unpack(InputStream in, int expected, int limit) throws PayloadException {
        try {
            Output out = new Output(Math.min(expected, limit), limit);
            unpack(in, out);
            return out.content();
        } catch (PayloadException e) {
            throw e;
        } catch (EOFException e) {
            throw new PayloadException("it is truncated", e);
        } catch (IOException e) {
            throw new PayloadException("it is corrupt (" + e.getMessage() + ")", e);
        } catch (IndexOutOfBoundsException | IllegalArgumentException | IllegalStateException e) {
            // GUEST: what a library throws when it believed corrupt data a step too long.
            throw new PayloadException("it is corrupt", e);
        } catch (OutOfMemoryError e) {
            throw new PayloadException(
                    "the Java heap of %d MiB is too small for it; raise -Xmx"
                            .formatted(Runtime.getRuntime().maxMemory() >> 20),
                    e);
        }
    }

    private void unpack(InputStream in, Output out) throws IOException {
        switch (this) {
            case GZIP -> out.drain(new GZIPInputStream(in, 1 << 16));
            case BZIP2 -> out.drain(new BZip2CompressorInputStream(in));
            case XZ -> out.drain(new SingleXZInputStream(in, DICTIONARY_KIB));
            case LZMA -> out.drain(new LZMAInputStream(in, DICTIONARY_KIB));
            case LZ4_LEGACY -> Lz4Decoder.unpack(in, out);
            case LZ4 -> out.drain(new FramedLZ4CompressorInputStream(in));
            case ZSTD -> ZstdDecoder.unpack(in, out);
            case LZO -> LzoDecoder.unpack(in, out);
        }
    }
}
