package io.jvmm.boot.payload;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Reads Zstandard frames (RFC 8878), of any window size, without dictionaries.
 *
 * <p>The whole output is one array, so a match may reach back over the frame as far as its offset
 * says, and there is no window to keep. Blocks are read one at a time into a buffer of their
 * greatest size.
 */
final class ZstdDecoder {

    static final int MAGIC = 0xFD2FB528;

    private static final int SKIPPABLE_MAGIC = 0x184D2A50;
    private static final int SKIPPABLE_MASK = 0xFFFFFFF0;

    /** Largest block, compressed or not (RFC 8878, 3.1.1.2.4). */
    static final int BLOCK_MAX = 128 << 10;

    /** Bytes behind a block that wide loads may read; their value never matters. */
    private static final int SLACK = 8;

    private static final int RAW = 0;
    private static final int RLE = 1;
    private static final int COMPRESSED = 2;

    private final InputStream in;
    private final Output out;
    private final byte[] block = new byte[BLOCK_MAX + SLACK];
    private final byte[] scratch = new byte[8];

    private ZstdDecoder(InputStream in, Output out) {
        this.in = in;
        this.out = out;
    }

    /** Unpacks all frames of {@code in} into {@code out}. */
    static void unpack(InputStream in, Output out) throws IOException {
        new ZstdDecoder(in, out).frames();
    }

    private void frames() throws IOException {
        while (true) {
            Arrays.fill(scratch, (byte) 0);
            int got = in.readNBytes(scratch, 0, 4);
            if (got == 0) {
                return;
            }
            int magic = LittleEndian.i32(scratch, 0);
            if (got == 4 && (magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC) {
                in.skipNBytes(number(4));
            } else if (got == 4 && magic == MAGIC) {
                frame();
            } else if (magic == 0 && out.size() > 0) {
                return; // padding, as between the archives of an initramfs
            } else {
                throw new PayloadException("what follows a frame is not another one");
            }
        }
    }

    private void frame() throws IOException {
        int descriptor = (int) number(1);
        boolean singleSegment = (descriptor & 0x20) != 0;
        boolean checksum = (descriptor & 0x04) != 0;
        if ((descriptor & 0x08) != 0) {
            throw new PayloadException("a frame header has a reserved bit set");
        }
        long window = singleSegment ? 0 : window((int) number(1));
        int dictionaryBytes = new int[] {0, 1, 2, 4}[descriptor & 3];
        if (number(dictionaryBytes) != 0) {
            throw new PayloadException("it needs a dictionary");
        }
        long size = contentSize(descriptor >>> 6, singleSegment);
        if (size > out.remaining()) {
            throw PayloadException.beyond(out.remaining());
        }
        int blockMax = (int) Math.min(BLOCK_MAX, singleSegment ? size : window);
        int start = out.size();
        blocks(start, blockMax);
        int length = out.size() - start;
        if (size >= 0 && length != size) {
            throw new PayloadException(
                    "a frame has %,d bytes and not the %,d it says".formatted(length, size));
        }
        if (checksum && (int) number(4) != (int) XxHash64.hash(out.array(), start, length)) {
            throw new PayloadException("a checksum does not match");
        }
    }

    private static long window(int descriptor) {
        long base = 1L << (10 + (descriptor >>> 3));
        return base + base / 8 * (descriptor & 7);
    }

    /** The frame's content size, or -1 if it does not say. */
    private long contentSize(int flag, boolean singleSegment) throws IOException {
        return switch (flag) {
            case 0 -> singleSegment ? number(1) : -1;
            case 1 -> number(2) + 256;
            case 2 -> number(4);
            default -> {
                long size = number(8);
                yield size < 0 ? Long.MAX_VALUE : size;
            }
        };
    }

    private void blocks(int frameStart, int blockMax) throws IOException {
        ZstdBlock decoder = new ZstdBlock(out, frameStart, blockMax);
        boolean last;
        do {
            int header = (int) number(3);
            last = (header & 1) != 0;
            int size = header >>> 3;
            if (size > blockMax) {
                throw new PayloadException("a block is larger than its frame allows");
            }
            switch ((header >>> 1) & 3) {
                case RAW -> {
                    out.reserve(size);
                    readFully(out.array(), out.size(), size);
                    out.advance(size);
                }
                case RLE -> {
                    out.reserve(size);
                    byte value = (byte) number(1);
                    Arrays.fill(out.array(), out.size(), out.size() + size, value);
                    out.advance(size);
                }
                case COMPRESSED -> {
                    readFully(block, 0, size);
                    decoder.unpack(block, size);
                }
                default -> throw new PayloadException("a block has the reserved type");
            }
        } while (!last);
    }

    /** The next {@code count} bytes, at most eight, as a little-endian number. */
    private long number(int count) throws IOException {
        readFully(scratch, 0, count);
        long value = LittleEndian.i64(scratch, 0);
        return count == 8 ? value : value & ((1L << (8 * count)) - 1);
    }

    private void readFully(byte[] target, int offset, int count) throws IOException {
        if (in.readNBytes(target, offset, count) < count) {
            throw new EOFException("it is truncated");
        }
    }
}
