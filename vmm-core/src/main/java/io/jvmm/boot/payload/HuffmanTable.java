// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/**
 * Huffman code of Zstandard literals (RFC 8878, 4.2): a direct look-up by the next {@link #log}
 * bits.
 *
 * <p>An entry packs symbol (bits 0 to 7) and code length (8 to 15).
 */
final class HuffmanTable {

    private static final int MAX_LOG = 11;
    private static final int MAX_SYMBOLS = 256;
    private static final int WEIGHTS_MAX_LOG = 6;

    private final int log;
    private final short[] entries;

    private HuffmanTable(int log, short[] entries) {
        this.log = log;
        this.entries = entries;
    }

    /** A tree description and where it ended. */
    record Read(HuffmanTable table, int end) {}

    /** Reads a tree description from {@code bytes[start, end)}. */
    static Read read(byte[] bytes, int start, int end) throws PayloadException {
        if (start >= end) {
            throw new PayloadException("a Huffman table is missing");
        }
        int header = Byte.toUnsignedInt(bytes[start]);
        byte[] weights = new byte[MAX_SYMBOLS];
        int count;
        int next;
        if (header >= 128) {
            count = header - 127;
            next = start + 1 + (count + 1) / 2;
            checkEnd(next, end);
            for (int i = 0; i < count; i++) {
                int pair = bytes[start + 1 + i / 2];
                weights[i] = (byte) ((i & 1) == 0 ? (pair >> 4) & 15 : pair & 15);
            }
        } else {
            next = start + 1 + header;
            checkEnd(next, end);
            count = readWeights(bytes, start + 1, next, weights);
        }
        return new Read(of(weights, count), next);
    }

    private static void checkEnd(int next, int end) throws PayloadException {
        if (next > end) {
            throw new PayloadException("a Huffman table is truncated");
        }
    }

    /** Weights coded by two FSE states that take turns; returns how many there are. */
    private static int readWeights(byte[] bytes, int start, int end, byte[] weights)
            throws PayloadException {
        FseTable.Read description = FseTable.read(bytes, start, end, MAX_LOG + 1, WEIGHTS_MAX_LOG);
        FseTable table = description.table();
        BackwardBits bits = new BackwardBits(bytes, description.end(), end);
        int current = bits.take(table.log());
        int other = bits.take(table.log());
        int count = 0;
        while (true) {
            // One weight is left for the other state when the bits run out, one is implied.
            if (count >= MAX_SYMBOLS - 2) {
                throw new PayloadException("a Huffman table has too many symbols");
            }
            int entry = table.entry(current);
            weights[count++] = (byte) FseTable.symbol(entry);
            int next = FseTable.baseline(entry) + bits.take(FseTable.bits(entry));
            if (bits.overrun()) {
                weights[count++] = (byte) FseTable.symbol(table.entry(other));
                return count;
            }
            current = other;
            other = next;
        }
    }

    /** The code for {@code count} weights; the last symbol's weight follows from the others. */
    private static HuffmanTable of(byte[] weights, int count) throws PayloadException {
        int sum = 0;
        for (int i = 0; i < count; i++) {
            if (weights[i] > MAX_LOG) {
                throw new PayloadException("a Huffman code is too long");
            }
            sum += weights[i] == 0 ? 0 : 1 << (weights[i] - 1);
        }
        if (sum == 0) {
            throw new PayloadException("a Huffman table is empty");
        }
        int log = 32 - Integer.numberOfLeadingZeros(sum);
        int rest = (1 << log) - sum;
        if (log > MAX_LOG || Integer.bitCount(rest) != 1) {
            throw new PayloadException("a Huffman table does not add up");
        }
        weights[count] = (byte) (Integer.numberOfTrailingZeros(rest) + 1);
        short[] entries = new short[1 << log];
        int position = 0;
        for (int weight = 1; weight <= log; weight++) {
            int span = 1 << (weight - 1);
            int length = log + 1 - weight;
            for (int symbol = 0; symbol <= count; symbol++) {
                if (weights[symbol] == weight) {
                    java.util.Arrays.fill(
                            entries, position, position + span, (short) (symbol | length << 8));
                    position += span;
                }
            }
        }
        return new HuffmanTable(log, entries);
    }

    /**
     * Decodes the stream {@code bytes[start, end)} into {@code target[from, to)}, which it must
     * fill exactly.
     */
    void decode(byte[] bytes, int start, int end, byte[] target, int from, int to)
            throws PayloadException {
        int position = BackwardBits.top(bytes, start, end);
        finish(bytes, start * 8, position, target, from, to);
    }

    /**
     * Decodes four streams, which start at {@code starts[i]} and end where the next one starts,
     * into the four quarters of {@code target[0, size)}. They are read in turns, since one alone
     * waits for each table look-up.
     */
    void decode4(byte[] bytes, int[] starts, byte[] target, int size) throws PayloadException {
        int quarter = (size + 3) / 4;
        if (3 * quarter > size) {
            throw new PayloadException("four Huffman streams share too few literals");
        }
        int p0 = BackwardBits.top(bytes, starts[0], starts[1]);
        int p1 = BackwardBits.top(bytes, starts[1], starts[2]);
        int p2 = BackwardBits.top(bytes, starts[2], starts[3]);
        int p3 = BackwardBits.top(bytes, starts[3], starts[4]);
        // While no stream can fall below its floor within one look-up, none needs a closer look.
        int floor0 = starts[0] * 8 + log;
        int floor1 = starts[1] * 8 + log;
        int floor2 = starts[2] * 8 + log;
        int floor3 = starts[3] * 8 + log;
        int shortest = size - 3 * quarter;
        int i = 0;
        short[] table = entries;
        int width = log;
        while (i < shortest && p0 >= floor0 && p1 >= floor1 && p2 >= floor2 && p3 >= floor3) {
            int e0 = table[BackwardBits.bitsAt(bytes, p0 - width, width)];
            int e1 = table[BackwardBits.bitsAt(bytes, p1 - width, width)];
            int e2 = table[BackwardBits.bitsAt(bytes, p2 - width, width)];
            int e3 = table[BackwardBits.bitsAt(bytes, p3 - width, width)];
            target[i] = (byte) e0;
            target[i + quarter] = (byte) e1;
            target[i + 2 * quarter] = (byte) e2;
            target[i + 3 * quarter] = (byte) e3;
            p0 -= e0 >>> 8;
            p1 -= e1 >>> 8;
            p2 -= e2 >>> 8;
            p3 -= e3 >>> 8;
            i++;
        }
        finish(bytes, starts[0] * 8, p0, target, i, quarter);
        finish(bytes, starts[1] * 8, p1, target, i + quarter, 2 * quarter);
        finish(bytes, starts[2] * 8, p2, target, i + 2 * quarter, 3 * quarter);
        finish(bytes, starts[3] * 8, p3, target, i + 3 * quarter, size);
    }

    private void finish(byte[] bytes, int floor, int top, byte[] target, int from, int to)
            throws PayloadException {
        int position = top;
        for (int i = from; i < to; i++) {
            int low = position - log;
            int code =
                    low >= floor
                            ? BackwardBits.bitsAt(bytes, low, log)
                            : codeAcrossFloor(bytes, floor, position);
            int entry = entries[code];
            target[i] = (byte) entry;
            position -= entry >>> 8;
        }
        if (position != floor) {
            throw new PayloadException("a Huffman stream does not end with its literals");
        }
    }

    /** The last codes of a stream: bits below its floor count as zero. */
    private int codeAcrossFloor(byte[] bytes, int floor, int position) {
        int have = Math.max(0, position - floor);
        return BackwardBits.bitsAt(bytes, floor, have) << (log - have);
    }
}
