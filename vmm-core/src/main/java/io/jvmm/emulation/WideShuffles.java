// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.NONE;

/** What only VEX has: broadcasts, halves of 256 bits, and permutations across them. */
final class WideShuffles {

    private WideShuffles() {}

    static void addTo(InstructionTable table) {
        broadcast(table, "VEX.66.0F38.W0 78 /r", "pbroadcastb", 8);
        broadcast(table, "VEX.66.0F38.W0 79 /r", "pbroadcastw", 16);
        broadcast(table, "VEX.66.0F38.W0 58 /r", "pbroadcastd", 32);
        broadcast(table, "VEX.66.0F38.W0 59 /r", "pbroadcastq", 64);
        broadcast(table, "VEX.66.0F38.W0 18 /r", "broadcastss", 32);
        broadcast(table, "VEX.256.66.0F38.W0 19 /r", "broadcastsd", 64);
        broadcastHalf(table, "VEX.256.66.0F38.W0 1A /r mem", "broadcastf128");
        broadcastHalf(table, "VEX.256.66.0F38.W0 5A /r mem", "broadcasti128");
        for (String type : new String[] {"f128", "i128"}) {
            boolean integer = type.equals("i128");
            String map = "256.66.0F3A.W0 ";
            table.vector(
                    "VEX.NDS." + map + (integer ? "38" : "18") + " /r ib",
                    "insert" + type,
                    NONE,
                    WideShuffles::insert);
            table.vector(
                    "VEX." + map + (integer ? "39" : "19") + " /r ib",
                    "extract" + type,
                    NONE,
                    WideShuffles::extract);
            table.vector(
                    "VEX.NDS." + map + (integer ? "46" : "06") + " /r ib",
                    "perm2" + type,
                    NONE,
                    WideShuffles::permuteHalves);
        }
        for (String opcode : new String[] {"00", "01"}) {
            table.vector(
                    "VEX.256.66.0F3A.W1 " + opcode + " /r ib",
                    opcode.equals("00") ? "permq" : "permpd",
                    NONE,
                    WideShuffles::permuteQuads);
        }
        for (String opcode : new String[] {"36", "16"}) {
            table.vector(
                    "VEX.NDS.256.66.0F38.W0 " + opcode + " /r",
                    opcode.equals("36") ? "permd" : "permps",
                    NONE,
                    WideShuffles::permuteDoubles);
        }
    }

    private static void broadcast(InstructionTable table, String notation, String name, int width) {
        table.vector(
                notation,
                name,
                NONE,
                x -> {
                    long value = Lanes.get(x.rm(width / Byte.SIZE), width, 0);
                    long[] result = new long[4];
                    for (int i = 0; i < x.vectorBytes() * Byte.SIZE / width; i++) {
                        Lanes.set(result, width, i, value);
                    }
                    x.reg(result);
                });
    }

    private static void broadcastHalf(InstructionTable table, String notation, String name) {
        table.vector(
                notation,
                name,
                NONE,
                x -> {
                    long[] half = x.rm(16);
                    x.reg(new long[] {half[0], half[1], half[0], half[1]});
                });
    }

    private static void insert(Execution x) {
        long[] half = x.rm(16);
        long[] value = x.first();
        int at = (x.instruction().immediate() & 1) * 2;
        value[at] = half[0];
        value[at + 1] = half[1];
        x.reg(value);
    }

    private static void extract(Execution x) {
        long[] value = x.reg();
        int at = (x.instruction().immediate() & 1) * 2;
        long[] half = {value[at], value[at + 1], 0, 0};
        if (x.hasMemory()) {
            x.storeVector(16, half);
        } else {
            x.vector(x.instruction().rm(), half);
        }
    }

    private static void permuteHalves(Execution x) {
        long[] a = x.first();
        long[] b = x.rm();
        long[] result = new long[4];
        for (int half = 0; half < 2; half++) {
            int control = x.instruction().immediate() >> (4 * half);
            if ((control & 8) == 0) {
                long[] source = (control & 2) == 0 ? a : b;
                result[2 * half] = source[(control & 1) * 2];
                result[2 * half + 1] = source[(control & 1) * 2 + 1];
            }
        }
        x.reg(result);
    }

    private static void permuteQuads(Execution x) {
        long[] source = x.rm();
        long[] result = new long[4];
        for (int i = 0; i < result.length; i++) {
            result[i] = source[x.instruction().immediate() >> (2 * i) & 3];
        }
        x.reg(result);
    }

    private static void permuteDoubles(Execution x) {
        long[] control = x.first();
        long[] source = x.rm();
        long[] result = new long[4];
        for (int i = 0; i < 8; i++) {
            Lanes.set(result, 32, i, Lanes.get(source, 32, (int) Lanes.get(control, 32, i) & 7));
        }
        x.reg(result);
    }
}
