// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.LEGACY_VECTOR;
import static io.jvmm.emulation.TableEntry.Alignment.NONE;

import io.jvmm.emulation.VectorIntegers.Operation;

/** What moves lanes within and between vectors: unpack, pack, shuffle, insert, extract, permute. */
final class VectorShuffles {

    private static final int HALF = 16;

    private VectorShuffles() {}

    static void addTo(InstructionTable table) {
        unpacks(table);
        packs(table);
        VectorIntegers.binary(table, "0F38", "00", "pshufb", VectorShuffles::shuffleBytes);
        shuffle(table, "66", "pshufd", 32, 0, 4);
        shuffle(table, "F3", "pshufhw", 16, 4, 4);
        shuffle(table, "F2", "pshuflw", 16, 0, 4);
        withImmediate(table, "NP", "0F", "C6", "shufps", (x, a, b) -> shuffleTwo(x, a, b, 32));
        withImmediate(table, "66", "0F", "C6", "shufpd", (x, a, b) -> shuffleTwo(x, a, b, 64));
        withImmediate(table, "66", "0F3A", "0F", "palignr", VectorShuffles::align);
        withImmediate(table, "66", "0F3A", "0E", "pblendw", (x, a, b) -> blend(x, a, b, 16));
        table.vector(
                "VEX.NDS.66.0F3A.W0 02 /r ib",
                "pblendd",
                LEGACY_VECTOR,
                x -> x.reg(blend(x, x.first(), x.rm(), 32)));
        extensions(table);
        LaneTransfers.addTo(table);
        WideShuffles.addTo(table);
    }

    /** An operation on two sources that also looks at the immediate. */
    @FunctionalInterface
    private interface Immediate {
        long[] apply(Execution x, long[] first, long[] second);
    }

    private static void withImmediate(
            InstructionTable table,
            String prefix,
            String map,
            String opcode,
            String name,
            Immediate operation) {
        TableEntry.Action action = x -> x.reg(operation.apply(x, x.first(), x.rm()));
        String spaced = map.length() == 2 ? map : map.substring(0, 2) + ' ' + map.substring(2);
        table.vector(prefix + ' ' + spaced + ' ' + opcode + " /r ib", name, LEGACY_VECTOR, action);
        table.vector(
                "VEX.NDS." + prefix + '.' + map + ' ' + opcode + " /r ib",
                name,
                LEGACY_VECTOR,
                action);
    }

    private static void unpacks(InstructionTable table) {
        String[] low = {"60", "61", "62", "6C"};
        String[] high = {"68", "69", "6A", "6D"};
        String[] names = {"bw", "wd", "dq", "qdq"};
        for (int i = 0; i < low.length; i++) {
            int width = 8 << i;
            VectorIntegers.binary(table, "0F", low[i], "punpckl" + names[i], unpack(width, false));
            VectorIntegers.binary(table, "0F", high[i], "punpckh" + names[i], unpack(width, true));
        }
        for (boolean isHigh : new boolean[] {false, true}) {
            String opcode = isHigh ? "15 /r" : "14 /r";
            String name = isHigh ? "unpckh" : "unpckl";
            VectorIntegers.binary(table, "NP", "0F", opcode, name + "ps", unpack(32, isHigh));
            VectorIntegers.binary(table, "66", "0F", opcode, name + "pd", unpack(64, isHigh));
        }
    }

    private static Operation unpack(int width, boolean high) {
        int lanes = HALF * Byte.SIZE / width;
        return (a, b, bytes) -> {
            long[] result = new long[4];
            for (int base = 0; base < bytes * Byte.SIZE / width; base += lanes) {
                for (int i = 0; i < lanes / 2; i++) {
                    int from = base + i + (high ? lanes / 2 : 0);
                    Lanes.set(result, width, base + 2 * i, Lanes.get(a, width, from));
                    Lanes.set(result, width, base + 2 * i + 1, Lanes.get(b, width, from));
                }
            }
            return result;
        };
    }

    private static void packs(InstructionTable table) {
        VectorIntegers.binary(table, "0F", "63", "packsswb", pack(16, true));
        VectorIntegers.binary(table, "0F", "6B", "packssdw", pack(32, true));
        VectorIntegers.binary(table, "0F", "67", "packuswb", pack(16, false));
        VectorIntegers.binary(table, "0F38", "2B", "packusdw", pack(32, false));
    }

    private static Operation pack(int width, boolean signed) {
        int lanes = HALF * Byte.SIZE / width;
        int half = width / 2;
        return (a, b, bytes) -> {
            long[] result = new long[4];
            for (int base = 0; base < bytes * Byte.SIZE / width; base += lanes) {
                for (int i = 0; i < 2 * lanes; i++) {
                    long value = Lanes.signed(i < lanes ? a : b, width, base + i % lanes);
                    long packed =
                            signed
                                    ? Lanes.saturate(value, half)
                                    : Lanes.saturateUnsigned(value, half);
                    Lanes.set(result, half, 2 * base + i, packed);
                }
            }
            return result;
        };
    }

    private static long[] shuffleBytes(long[] a, long[] b, int bytes) {
        long[] result = new long[4];
        for (int i = 0; i < bytes; i++) {
            long control = Lanes.get(b, 8, i);
            if ((control & 0x80) == 0) {
                Lanes.set(result, 8, i, Lanes.get(a, 8, (i & HALF) + (int) (control & 0xF)));
            }
        }
        return result;
    }

    /** PSHUFD and its like: {@code count} lanes from {@code first} on, in each half. */
    private static void shuffle(
            InstructionTable table, String prefix, String name, int width, int first, int count) {
        VectorMoves.both(
                table,
                prefix,
                "0F",
                "70 /r ib",
                name,
                LEGACY_VECTOR,
                x -> {
                    long[] source = x.rm();
                    long[] result = source.clone();
                    int lanes = HALF * Byte.SIZE / width;
                    for (int base = 0; base < x.vectorBytes() * Byte.SIZE / width; base += lanes) {
                        for (int i = 0; i < count; i++) {
                            int from = x.instruction().immediate() >> (2 * i) & 3;
                            Lanes.set(
                                    result,
                                    width,
                                    base + first + i,
                                    Lanes.get(source, width, base + first + from));
                        }
                    }
                    x.reg(result);
                });
    }

    /** SHUFPS and SHUFPD: the lower half of the result from the first source. */
    private static long[] shuffleTwo(Execution x, long[] a, long[] b, int width) {
        int lanes = HALF * Byte.SIZE / width;
        int bits = lanes / 2;
        int control = x.instruction().immediate();
        long[] result = new long[4];
        int total = x.vectorBytes() * Byte.SIZE / width;
        for (int i = 0; i < total; i++) {
            int base = i / lanes * lanes;
            // Selectors of two bits start anew in each half, those of one bit go on.
            int at = width == 32 ? i % lanes : i;
            int from = control >> (bits * at) & (lanes - 1);
            Lanes.set(
                    result, width, i, Lanes.get(i % lanes < lanes / 2 ? a : b, width, base + from));
        }
        return result;
    }

    private static long[] align(Execution x, long[] a, long[] b) {
        int by = x.instruction().immediate() & 0xFF;
        long[] result = new long[4];
        for (int i = 0; i < x.vectorBytes(); i++) {
            int base = i & HALF;
            int from = (i & HALF - 1) + by;
            if (from < HALF) {
                Lanes.set(result, 8, i, Lanes.get(b, 8, base + from));
            } else if (from < 2 * HALF) {
                Lanes.set(result, 8, i, Lanes.get(a, 8, base + from - HALF));
            }
        }
        return result;
    }

    private static long[] blend(Execution x, long[] a, long[] b, int width) {
        long[] result = a.clone();
        for (int i = 0; i < x.vectorBytes() * Byte.SIZE / width; i++) {
            if ((x.instruction().immediate() >> (i & 7) & 1) != 0) {
                Lanes.set(result, width, i, Lanes.get(b, width, i));
            }
        }
        return result;
    }

    private static void extensions(InstructionTable table) {
        int[] from = {8, 8, 8, 16, 16, 32};
        int[] to = {16, 32, 64, 32, 64, 64};
        String[] names = {"bw", "bd", "bq", "wd", "wq", "dq"};
        for (int i = 0; i < from.length; i++) {
            extend(table, "2" + i, "pmovsx" + names[i], from[i], to[i], true);
            extend(table, "3" + i, "pmovzx" + names[i], from[i], to[i], false);
        }
    }

    private static void extend(
            InstructionTable table, String opcode, String name, int from, int to, boolean signed) {
        VectorMoves.both(
                table,
                "66",
                "0F38",
                opcode + " /r",
                name,
                NONE,
                x -> {
                    int lanes = x.vectorBytes() * Byte.SIZE / to;
                    long[] source = x.rm(lanes * from / Byte.SIZE);
                    long[] result = new long[4];
                    for (int i = 0; i < lanes; i++) {
                        Lanes.set(
                                result,
                                to,
                                i,
                                signed
                                        ? Lanes.signed(source, from, i)
                                        : Lanes.get(source, from, i));
                    }
                    x.reg(result);
                });
    }
}
