// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * Unpacks the compressed blocks of one Zstandard frame: literals, then sequences, which say how
 * many literals to copy and which earlier output to repeat (RFC 8878, 3.1.1.3).
 *
 * <p>Tables and the three last offsets stay from block to block.
 */
final class ZstdBlock {

    private static final int RAW = 0;
    private static final int RLE = 1;
    private static final int TREELESS = 3;

    private final Output out;
    private final int blockMax;
    private final byte[] literals;
    private final int[] streamStarts = new int[5];
    private final ZstdSequences sequences = new ZstdSequences();
    private @Nullable HuffmanTable huffman;

    private int literalCount;

    /**
     * A decoder for a frame whose content goes to {@code out}.
     *
     * @param blockMax the most bytes that a block of this frame may unpack to
     */
    ZstdBlock(Output out, int blockMax) {
        this.out = out;
        this.blockMax = blockMax;
        this.literals = new byte[blockMax + Output.SLACK];
    }

    /** Unpacks {@code block[0, size)}; the array goes on for eight bytes behind it. */
    void unpack(byte[] block, int size) throws PayloadException {
        int next = readLiterals(block, size);
        out.reserve(blockMax);
        out.advance(sequences.execute(block, next, size, literals, literalCount, out, blockMax));
    }

    /** Reads the literals section into {@link #literals} and returns where it ended. */
    private int readLiterals(byte[] block, int size) throws PayloadException {
        if (size < 1) {
            throw truncated();
        }
        int first = Byte.toUnsignedInt(block[0]);
        int type = first & 3;
        int format = (first >>> 2) & 3;
        return type <= RLE
                ? readPlain(block, size, type, format)
                : readHuffman(block, size, type, format);
    }

    private int readPlain(byte[] block, int size, int type, int format) throws PayloadException {
        int header =
                switch (format) {
                    case 1 -> 2;
                    case 3 -> 3;
                    default -> 1;
                };
        long fields = LittleEndian.i64(block, 0) & ((1L << (8 * header)) - 1);
        literalCount = checkedCount(fields >>> (header == 1 ? 3 : 4));
        int stored = type == RAW ? literalCount : 1;
        if (stored > size - header) {
            throw truncated();
        }
        if (type == RAW) {
            System.arraycopy(block, header, literals, 0, literalCount);
        } else {
            Arrays.fill(literals, 0, literalCount, block[header]);
        }
        return header + stored;
    }

    private int readHuffman(byte[] block, int size, int type, int format) throws PayloadException {
        int header = format <= 1 ? 3 : format + 2;
        int width = format <= 1 ? 10 : format == 2 ? 14 : 18;
        long fields = LittleEndian.i64(block, 0) >>> 4;
        long mask = (1L << width) - 1;
        literalCount = checkedCount(fields & mask);
        long packed = (fields >>> width) & mask;
        if (packed > size - header) {
            throw truncated();
        }
        int end = header + (int) packed;
        int start = header;
        if (type != TREELESS) {
            HuffmanTable.Read read = HuffmanTable.read(block, start, end);
            huffman = read.table();
            start = read.end();
        }
        HuffmanTable table = huffman;
        if (table == null) {
            throw new PayloadException("a block repeats a Huffman table that was never given");
        }
        if (format == 0) {
            table.decode(block, start, end, literals, 0, literalCount);
        } else {
            findStreams(block, start, end);
            table.decode4(block, streamStarts, literals, literalCount);
        }
        return end;
    }

    /** Reads the jump table of four streams, which gives the sizes of the first three. */
    private void findStreams(byte[] block, int start, int end) throws PayloadException {
        if (end - start < 6) {
            throw truncated();
        }
        int next = start + 6;
        for (int i = 0; i < 3; i++) {
            streamStarts[i] = next;
            next += LittleEndian.u16(block, start + 2 * i);
        }
        streamStarts[3] = next;
        streamStarts[4] = end;
        if (next > end) {
            throw truncated();
        }
    }

    private int checkedCount(long count) throws PayloadException {
        if (count > blockMax) {
            throw new PayloadException("a block has more literals than its frame allows");
        }
        return (int) count;
    }

    static PayloadException truncated() {
        return new PayloadException("a block is truncated");
    }
}
