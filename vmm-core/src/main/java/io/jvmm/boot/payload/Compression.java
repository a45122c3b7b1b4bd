// SPDX-License-Identifier: Apache-2.0
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

/**
 * The ways in which a kernel may be compressed, recognised by their first bytes.
 *
 * <p>Unpacking takes hostile input: it ends with the content or with a {@link PayloadException},
 * and takes no more memory than the format refers back over: {@value #DICTIONARY_KIB} KiB at most
 * for xz and lzma, and for zstd what its frames ask for, as soon as they have that much.
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

    /** Offset of the kind of check in the header of xz, and the last kind that Linux knows. */
    private static final int XZ_CHECK = 7;

    private static final int XZ_CRC32 = 1;

    private static final long ZSTD_WINDOW_MAX = 128L << 20;

    private final String magic;

    Compression(String magic) {
        this.magic = magic;
    }

    /**
     * The format that data with these first bytes has, if it is one of them. Frames without
     * content, as pzstd writes them, may come first.
     */
    public static Optional<Compression> detectFramed(byte[] head) {
        int at = 0;
        byte[] rest = head;
        while (ZstdDecoder.isSkippable(rest)) {
            long length = 8 + Integer.toUnsignedLong(LittleEndian.i32(rest, 4));
            at = (int) Math.min(head.length, at + length);
            rest = Arrays.copyOfRange(head, at, head.length);
        }
        Optional<Compression> format = detect(rest);
        return at == 0 || format.filter(f -> f == ZSTD || f == LZ4).isPresent()
                ? format
                : Optional.empty();
    }

    /** The format that data with exactly these first bytes has, if it is one of them. */
    public static Optional<Compression> detect(byte[] head) {
        String hex = HexFormat.of().formatHex(head, 0, Math.min(head.length, MAGIC_MAX));
        return Arrays.stream(values()).filter(format -> hex.startsWith(format.magic)).findFirst();
    }

    /** Name as in messages: {@code gzip}, {@code zstd}, ... */
    public String label() {
        return this == LZ4_LEGACY ? "lz4" : name().toLowerCase(Locale.ROOT);
    }

    /**
     * Unpacks all of {@code in}: streams of this format one after the other, with zero bytes
     * between them and behind them, as the format's own command does.
     *
     * @param in the packed bytes and nothing after them; need not be buffered, is not closed
     * @param expected the size that the content should have, in bytes, or 0 if unknown; only a hint
     *     to allocate the right amount at once
     * @return the content; it throws {@link PayloadException} where the data is corrupt or ends
     *     early. To be closed
     */
    public Unpacked unpack(InputStream in, long expected) {
        return new Unpacked(this, new PackedInput(in), expected, true);
    }

    /**
     * Unpacks one stream, as Linux does, and leaves {@code in} behind its end.
     *
     * @param in stands at the stream's first byte; is not closed
     * @return the content, as {@link #unpack(InputStream, long)} gives it
     */
    public Unpacked unpackOne(PackedInput in) {
        return new Unpacked(this, in, 0, false);
    }

    /**
     * Unpacks all of {@code in} into one array.
     *
     * @param expected as for {@link #unpack(InputStream, long)}
     * @param limit the largest content accepted, in bytes
     * @return the content, on the heap
     * @throws PayloadException if the data is corrupt, truncated, or larger than {@code limit}
     */
    public MemorySegment unpack(InputStream in, int expected, int limit) throws PayloadException {
        try (Unpacked content = unpack(in, (long) expected)) {
            return content.all(expected, limit);
        }
    }

    /** What Linux cannot read though it is this format, with the remedy; empty if it can. */
    public Optional<String> refusalByLinux(byte[] head) {
        return switch (this) {
            case LZ4 ->
                    Optional.of(
                            "is in the lz4 frame that Linux cannot read; pack it with 'lz4 -l'");
            case XZ ->
                    head.length > XZ_CHECK && head[XZ_CHECK] > XZ_CRC32
                            ? Optional.of(
                                    "is xz with a check that Linux cannot read; pack it with"
                                            + " 'xz --check=crc32'")
                            : Optional.empty();
            case GZIP ->
                    GzipDecoder.isTooRichForLinux(head)
                            ? Optional.of(
                                    "has a gzip header with fields that Linux cannot read; pack it"
                                            + " with 'gzip -n'")
                            : Optional.empty();
            case ZSTD ->
                    ZstdDecoder.window(head) > ZSTD_WINDOW_MAX
                            ? Optional.of(
                                    "is zstd with a larger window than the 128 MiB that Linux can"
                                            + " read; pack it without '--long'")
                            : Optional.empty();
            case BZIP2, LZMA, LZ4_LEGACY, LZO -> Optional.empty();
        };
    }

    /** A decoder of one stream. What it throws is translated by {@link #failure}. */
    InputStream decoder(PackedInput in, long expected) throws IOException {
        return switch (this) {
            case GZIP -> new GzipDecoder(in);
            case BZIP2 -> new BZip2CompressorInputStream(in, false);
            case XZ -> new SingleXZInputStream(in, DICTIONARY_KIB);
            case LZMA -> new LZMAInputStream(in, DICTIONARY_KIB);
            case LZ4_LEGACY -> new Lz4Decoder(in, new Output(expected));
            case LZ4 -> new FramedLZ4CompressorInputStream(in, true);
            case ZSTD -> new ZstdDecoder(in, new Output(expected));
            case LZO -> new LzoDecoder(in, new Output(expected));
        };
    }

    /** What went wrong in a decoder. */
    static PayloadException failure(Throwable cause) {
        return switch (cause) {
            case PayloadException e -> e;
            case EOFException e -> new PayloadException("it is truncated", e);
            case IOException e -> new PayloadException("it is corrupt (" + e.getMessage() + ")", e);
            case OutOfMemoryError e ->
                    new PayloadException(
                            "the Java heap of %d MiB is too small for it; raise -Xmx"
                                    .formatted(Runtime.getRuntime().maxMemory() >> 20),
                            e);
            // GUEST: what a library throws when it believed corrupt data a step too long.
            default -> new PayloadException("it is corrupt", cause);
        };
    }
}
