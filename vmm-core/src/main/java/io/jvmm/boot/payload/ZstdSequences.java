// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import org.jspecify.annotations.Nullable;

/**
 * The sequences section of a Zstandard block (RFC 8878, 3.1.1.3.2): its three codes, and the copies
 * that they describe.
 */
final class ZstdSequences {

    private static final int LITERAL_MAX_SYMBOL = 35;
    private static final int MATCH_MAX_SYMBOL = 52;

    /** Offsets are at most 2^31, far beyond any array. */
    private static final int OFFSET_MAX_SYMBOL = 31;

    private static final int LITERAL_MAX_LOG = 9;
    private static final int MATCH_MAX_LOG = 9;
    private static final int OFFSET_MAX_LOG = 8;

    private static final int[] LITERAL_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10,
        11, 12, 13, 14, 15, 16
    };
    private static final int[] LITERAL_BASE = bases(LITERAL_BITS, 0);
    private static final int[] MATCH_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    };
    private static final int[] MATCH_BASE = bases(MATCH_BITS, 3);

    private static final FseTable LITERAL_DEFAULT =
            predefined(
                    6, 4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                    2, 1, 1, 1, 1, 1, -1, -1, -1, -1);
    private static final FseTable MATCH_DEFAULT =
            predefined(
                    6, 1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
                    -1, -1);
    private static final FseTable OFFSET_DEFAULT =
            predefined(
                    5, 1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1,
                    -1, -1, -1, -1);

    private @Nullable FseTable literalTable;
    private @Nullable FseTable offsetTable;
    private @Nullable FseTable matchTable;

    /** The last three offsets used, most recent first. */
    private int recent0 = 1;

    private int recent1 = 4;
    private int recent2 = 8;

    /** Where the table description that was read last ended. */
    private int cursor;

    /** The values of a code begin where the one before it ends. */
    private static int[] bases(int[] bits, int first) {
        int[] bases = new int[bits.length];
        int base = first;
        for (int i = 0; i < bits.length; i++) {
            bases[i] = base;
            base += 1 << bits[i];
        }
        return bases;
    }

    private static FseTable predefined(int log, int... counts) {
        short[] narrow = new short[counts.length];
        for (int i = 0; i < counts.length; i++) {
            narrow[i] = (short) counts[i];
        }
        try {
            return FseTable.of(narrow, narrow.length, log);
        } catch (PayloadException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Executes the sequences in {@code block[from, size)} and returns how many bytes were written
     * behind {@code out}'s last.
     *
     * @param out has room for {@code blockMax} more bytes
     */
    int execute(
            byte[] block,
            int from,
            int size,
            byte[] literals,
            int literalCount,
            Output out,
            int blockMax)
            throws PayloadException {
        byte[] target = out.array();
        int start = out.size();
        int end = start + blockMax;
        int frameStart = out.frameStart();
        int count = readHeader(block, from, size);
        int position = start;
        int literal = 0;
        if (count > 0) {
            FseTable literalCodes = given(literalTable);
            FseTable offsetCodes = given(offsetTable);
            FseTable matchCodes = given(matchTable);
            BackwardBits bits = new BackwardBits(block, cursor, size);
            int literalState = bits.take(literalCodes.log());
            int offsetState = bits.take(offsetCodes.log());
            int matchState = bits.take(matchCodes.log());
            for (int i = 0; i < count; i++) {
                int literalEntry = literalCodes.entry(literalState);
                int offsetEntry = offsetCodes.entry(offsetState);
                int matchEntry = matchCodes.entry(matchState);
                int offsetSymbol = FseTable.symbol(offsetEntry);
                int matchSymbol = FseTable.symbol(matchEntry);
                int literalSymbol = FseTable.symbol(literalEntry);
                int offsetValue = (1 << offsetSymbol) + bits.take(offsetSymbol);
                int matchLength = MATCH_BASE[matchSymbol] + bits.take(MATCH_BITS[matchSymbol]);
                int literalLength =
                        LITERAL_BASE[literalSymbol] + bits.take(LITERAL_BITS[literalSymbol]);
                int offset = offset(offsetValue, literalLength);
                if (i + 1 < count) {
                    literalState =
                            FseTable.baseline(literalEntry)
                                    + bits.take(FseTable.bits(literalEntry));
                    matchState =
                            FseTable.baseline(matchEntry) + bits.take(FseTable.bits(matchEntry));
                    offsetState =
                            FseTable.baseline(offsetEntry) + bits.take(FseTable.bits(offsetEntry));
                }
                if (literalLength + matchLength > end - position) {
                    throw new PayloadException("a block unpacks to more than its format allows");
                }
                if (literalLength > literalCount - literal
                        || offset <= 0
                        || offset > position + literalLength - frameStart) {
                    throw new PayloadException("a sequence reaches outside its frame");
                }
                copyLiterals(literals, literal, target, position, literalLength);
                literal += literalLength;
                position += literalLength;
                Matches.copy(target, position, offset, matchLength);
                position += matchLength;
            }
            if (!bits.exhausted()) {
                throw new PayloadException("a block's bits do not end with its sequences");
            }
        }
        int rest = literalCount - literal;
        if (rest > end - position) {
            throw new PayloadException("a block unpacks to more than its format allows");
        }
        System.arraycopy(literals, literal, target, position, rest);
        return position + rest - start;
    }

    private static FseTable given(@Nullable FseTable table) throws PayloadException {
        if (table == null) {
            throw new PayloadException("a block repeats an entropy table that was never given");
        }
        return table;
    }

    /** Reads the number of sequences and the tables; leaves {@link #cursor} at the bits. */
    private int readHeader(byte[] block, int from, int size) throws PayloadException {
        need(from + 1, size);
        int count = Byte.toUnsignedInt(block[from]);
        int next = from + 1;
        if (count == 0) {
            if (next != size) {
                throw new PayloadException("a block goes on behind its literals");
            }
            return 0;
        }
        if (count >= 128) {
            need(next + (count == 255 ? 2 : 1), size);
            if (count == 255) {
                count = LittleEndian.u16(block, next) + 0x7F00;
                next += 2;
            } else {
                count = ((count - 128) << 8) + Byte.toUnsignedInt(block[next++]);
            }
        }
        need(next + 1, size);
        int modes = Byte.toUnsignedInt(block[next]);
        if ((modes & 3) != 0) {
            throw new PayloadException("a block header has a reserved bit set");
        }
        cursor = next + 1;
        literalTable =
                readTable(
                        block,
                        size,
                        modes >>> 6,
                        literalTable,
                        LITERAL_DEFAULT,
                        LITERAL_MAX_SYMBOL,
                        LITERAL_MAX_LOG);
        offsetTable =
                readTable(
                        block,
                        size,
                        (modes >>> 4) & 3,
                        offsetTable,
                        OFFSET_DEFAULT,
                        OFFSET_MAX_SYMBOL,
                        OFFSET_MAX_LOG);
        matchTable =
                readTable(
                        block,
                        size,
                        (modes >>> 2) & 3,
                        matchTable,
                        MATCH_DEFAULT,
                        MATCH_MAX_SYMBOL,
                        MATCH_MAX_LOG);
        return count;
    }

    private @Nullable FseTable readTable(
            byte[] block,
            int size,
            int mode,
            @Nullable FseTable previous,
            FseTable predefined,
            int maxSymbol,
            int maxLog)
            throws PayloadException {
        return switch (mode) {
            case 0 -> predefined;
            case 1 -> {
                need(cursor + 1, size);
                int symbol = Byte.toUnsignedInt(block[cursor++]);
                if (symbol > maxSymbol) {
                    throw new PayloadException("a block uses a code that does not exist");
                }
                yield FseTable.repeating(symbol);
            }
            case 2 -> {
                FseTable.Read read = FseTable.read(block, cursor, size, maxSymbol, maxLog);
                cursor = read.end();
                yield read.table();
            }
            default -> previous;
        };
    }

    private static void need(int end, int size) throws PayloadException {
        if (end > size) {
            throw ZstdBlock.truncated();
        }
    }

    /** The offset that a value stands for; 1 to 3 repeat one of the last three. */
    private int offset(int value, int literalLength) {
        if (value > 3 || value < 0) {
            recent2 = recent1;
            recent1 = recent0;
            recent0 = value - 3;
            return recent0;
        }
        int choice = literalLength == 0 ? value : value - 1;
        int offset =
                switch (choice) {
                    case 0 -> recent0;
                    case 1 -> recent1;
                    case 2 -> recent2;
                    default -> recent0 - 1;
                };
        if (choice > 0) {
            if (choice > 1) {
                recent2 = recent1;
            }
            recent1 = recent0;
            recent0 = offset;
        }
        return offset;
    }

    /** Short runs, the common case, go in two wide steps; both arrays have slack for that. */
    private static void copyLiterals(
            byte[] literals, int from, byte[] target, int position, int length) {
        if (length <= 16) {
            LittleEndian.putI64(target, position, LittleEndian.i64(literals, from));
            LittleEndian.putI64(target, position + 8, LittleEndian.i64(literals, from + 8));
        } else {
            System.arraycopy(literals, from, target, position, length);
        }
    }
}
