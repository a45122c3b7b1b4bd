// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

/**
 * Decoding table of a finite-state entropy code (RFC 8878, 4.1): per state the symbol it stands for
 * and how the next state follows from the bits read.
 *
 * <p>An entry packs symbol (bits 0 to 7), number of bits (8 to 15) and baseline (16 to 31).
 */
final class FseTable {

    private static final int MIN_LOG = 5;

    private final int log;
    private final int[] entries;

    private FseTable(int log, int[] entries) {
        this.log = log;
        this.entries = entries;
    }

    /** The table with one state, whose symbol repeats without using a bit. */
    static FseTable repeating(int symbol) {
        return new FseTable(0, new int[] {symbol});
    }

    /**
     * The table for normalised counts that add up to 2^log; -1 stands for "less than one".
     *
     * @param symbols how many of {@code counts} are valid
     */
    static FseTable of(short[] counts, int symbols, int log) throws PayloadException {
        int size = 1 << log;
        byte[] symbolAt = new byte[size];
        int[] next = new int[symbols];
        int high = size;
        for (int symbol = 0; symbol < symbols; symbol++) {
            if (counts[symbol] == -1) {
                symbolAt[--high] = (byte) symbol;
                next[symbol] = 1;
            } else {
                next[symbol] = counts[symbol];
            }
        }
        int step = (size >> 1) + (size >> 3) + 3;
        int position = 0;
        for (int symbol = 0; symbol < symbols; symbol++) {
            for (int i = 0; i < counts[symbol]; i++) {
                symbolAt[position] = (byte) symbol;
                do {
                    position = (position + step) & (size - 1);
                } while (position >= high);
            }
        }
        if (position != 0) {
            throw new PayloadException("an entropy table does not add up");
        }
        int[] entries = new int[size];
        for (int state = 0; state < size; state++) {
            int symbol = Byte.toUnsignedInt(symbolAt[state]);
            int value = next[symbol]++;
            int bits = log - (31 - Integer.numberOfLeadingZeros(value));
            int baseline = (value << bits) - size;
            entries[state] = symbol | bits << 8 | baseline << 16;
        }
        return new FseTable(log, entries);
    }

    /** A table description and where it ended. */
    record Read(FseTable table, int end) {}

    /**
     * Reads a table description from {@code bytes[start, end)}.
     *
     * @param maxSymbol the largest symbol that may occur
     * @param maxLog the largest accuracy allowed
     */
    static Read read(byte[] bytes, int start, int end, int maxSymbol, int maxLog)
            throws PayloadException {
        // Forward bits, lowest first. The array goes on behind end, so a load there is harmless;
        // the check after each count keeps the position honest.
        int position = start * 8;
        int limit = end * 8;
        if (start >= end) {
            throw new PayloadException("an entropy table is missing");
        }
        int log = BackwardBits.bitsAt(bytes, position, 4) + MIN_LOG;
        position += 4;
        if (log > maxLog) {
            throw new PayloadException("an entropy table is too fine");
        }
        short[] counts = new short[maxSymbol + 1];
        int symbol = 0;
        int remaining = (1 << log) + 1;
        int threshold = 1 << log;
        int width = log + 1;
        while (remaining > 1) {
            if (symbol > maxSymbol || position > limit) {
                throw new PayloadException("an entropy table has too many symbols");
            }
            int spare = 2 * threshold - 1 - remaining;
            int bits = BackwardBits.bitsAt(bytes, position, width);
            int count = bits & (threshold - 1);
            if (count < spare) {
                position += width - 1;
            } else {
                count = bits;
                if (count >= threshold) {
                    count -= spare;
                }
                position += width;
            }
            count--;
            remaining -= Math.abs(count);
            counts[symbol++] = (short) count;
            while (remaining < threshold) {
                width--;
                threshold >>= 1;
            }
            if (count == 0) {
                int zeros;
                do {
                    if (position > limit) {
                        throw new PayloadException("an entropy table is truncated");
                    }
                    zeros = BackwardBits.bitsAt(bytes, position, 2);
                    position += 2;
                    symbol += zeros;
                } while (zeros == 3);
            }
        }
        if (remaining != 1 || symbol > maxSymbol + 1 || position > limit) {
            throw new PayloadException("an entropy table is truncated");
        }
        return new Read(of(counts, symbol, log), (position + 7) >>> 3);
    }

    int log() {
        return log;
    }

    int entry(int state) {
        return entries[state];
    }

    static int symbol(int entry) {
        return entry & 0xFF;
    }

    static int bits(int entry) {
        return (entry >>> 8) & 0xFF;
    }

    static int baseline(int entry) {
        return entry >>> 16;
    }
}
