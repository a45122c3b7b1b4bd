// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * Reads a Zstandard frame (RFC 8878), of any window size, without a dictionary.
 *
 * <p>One frame at a time; frames that have no content are skipped.
 */
final class ZstdDecoder extends BlockDecoder {

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

    private final byte[] packed = new byte[BLOCK_MAX + SLACK];
    private final byte[] scratch = new byte[8];
    private final XxHash64 hash = new XxHash64();

    private final boolean checksum;
    private final int blockMax;

    /** What the frame says that it has, or -1. */
    private final long size;

    private final ZstdBlock decoder;

    private long length;
    private boolean atEnd;

    /** Reads the header of the frame, after frames that are to be skipped. */
    ZstdDecoder(PackedInput in, Output out) throws IOException {
        super(in, out);
        skipFrames(in);
        if ((int) number(4) != MAGIC) {
            throw new PayloadException("what follows a frame is not another one");
        }
        int descriptor = (int) number(1);
        boolean singleSegment = (descriptor & 0x20) != 0;
        checksum = (descriptor & 0x04) != 0;
        if ((descriptor & 0x08) != 0) {
            throw new PayloadException("a frame header has a reserved bit set");
        }
        long stated = singleSegment ? 0 : window((int) number(1));
        int dictionaryBytes = new int[] {0, 1, 2, 4}[descriptor & 3];
        if (number(dictionaryBytes) != 0) {
            throw new PayloadException("it needs a dictionary");
        }
        size = contentSize(descriptor >>> 6, singleSegment);
        long window = singleSegment ? size : stated;
        blockMax = (int) Math.min(BLOCK_MAX, window);
        out.beginFrame(size < 0 ? window : Math.min(window, size));
        decoder = new ZstdBlock(out, blockMax);
    }

    /** Whether {@code head} begins with a frame that has no content, as pzstd writes them. */
    static boolean isSkippable(byte[] head) {
        return head.length >= 8 && (LittleEndian.i32(head, 0) & SKIPPABLE_MASK) == SKIPPABLE_MAGIC;
    }

    /** Takes all frames without content that are next. */
    static void skipFrames(PackedInput in) throws IOException {
        for (byte[] head = in.ahead(8); isSkippable(head); head = in.ahead(8)) {
            in.skipNBytes(8 + Integer.toUnsignedLong(LittleEndian.i32(head, 4)));
        }
    }

    /**
     * How far back the frame with this beginning may refer, in bytes; 0 if that is not there.
     *
     * @param head the first 18 bytes or more
     */
    static long window(byte[] head) {
        try {
            var in = new PackedInput(new ByteArrayInputStream(head));
            var frame = new ZstdDecoder(in, new Output(0));
            return frame.out.window();
        } catch (IOException e) {
            return 0; // and unpacking it says why
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

    @Override
    boolean block() throws IOException {
        if (atEnd) {
            return false;
        }
        int header = (int) number(3);
        atEnd = (header & 1) != 0;
        int count = header >>> 3;
        int type = (header >>> 1) & 3;
        if (count > blockMax) {
            throw new PayloadException("a block is larger than its frame allows");
        }
        out.reserve(blockMax);
        int start = out.size();
        switch (type) {
            case RAW -> {
                in.fill(out.array(), start, count);
                out.advance(count);
            }
            case RLE -> {
                byte value = (byte) number(1);
                Arrays.fill(out.array(), start, start + count, value);
                out.advance(count);
            }
            case COMPRESSED -> {
                in.fill(packed, 0, count);
                decoder.unpack(packed, count);
            }
            default -> throw new PayloadException("a block has the reserved type");
        }
        length += out.size() - start;
        if (checksum) {
            hash.update(out.array(), start, out.size() - start);
        }
        if (atEnd) {
            verify();
        }
        return true;
    }

    private void verify() throws IOException {
        if (size >= 0 && length != size) {
            throw new PayloadException(
                    "a frame has %,d bytes and not the %,d it says".formatted(length, size));
        }
        if (checksum && (int) number(4) != (int) hash.value()) {
            throw new PayloadException("a checksum does not match");
        }
    }

    /** The next {@code count} bytes, at most eight, as a little-endian number. */
    private long number(int count) throws IOException {
        Arrays.fill(scratch, (byte) 0);
        in.fill(scratch, 0, count);
        return LittleEndian.i64(scratch, 0);
    }
}
