// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.LEGACY_VECTOR;

import java.util.function.LongBinaryOperator;

/** Integer arithmetic, comparison and logic on vectors, without and with VEX (SDM volume 2). */
final class VectorIntegers {

    private static final int[] WIDTHS = {8, 16, 32, 64};
    private static final String LETTERS = "bwdq";

    /** An operation on whole vectors of some bytes. */
    @FunctionalInterface
    interface Operation {
        long[] apply(long[] first, long[] second, int bytes);
    }

    private VectorIntegers() {}

    static void addTo(InstructionTable table) {
        logic(table);
        sums(table);
        comparisons(table);
        extremes(table);
        products(table);
        signs(table);
        binary(table, "0F", "E0", "pavgb", unsigned(8, (a, b) -> (a + b + 1) >> 1));
        binary(table, "0F", "E3", "pavgw", unsigned(16, (a, b) -> (a + b + 1) >> 1));
        binary(table, "0F", "F6", "psadbw", VectorIntegers::differences);
        VectorMoves.both(
                table, "66", "0F38", "17 /r", "ptest", LEGACY_VECTOR, VectorIntegers::test);
        CarrylessMultiply.addTo(table);
    }

    /** Adds an instruction on two sources in both encodings, with the mandatory prefix 66. */
    static void binary(
            InstructionTable table, String map, String opcode, String name, Operation operation) {
        binary(table, "66", map, opcode + " /r", name, operation);
    }

    static void binary(
            InstructionTable table,
            String prefix,
            String map,
            String rest,
            String name,
            Operation operation) {
        TableEntry.Action action = x -> x.reg(operation.apply(x.first(), x.rm(), x.vectorBytes()));
        String spaced = map.length() == 2 ? map : map.substring(0, 2) + ' ' + map.substring(2);
        table.vector(prefix + ' ' + spaced + ' ' + rest, name, LEGACY_VECTOR, action);
        table.vector("VEX.NDS." + prefix + '.' + map + ' ' + rest, name, LEGACY_VECTOR, action);
    }

    static Operation signed(int width, LongBinaryOperator operation) {
        return (a, b, bytes) -> Lanes.map(width, bytes, a, b, operation);
    }

    static Operation unsigned(int width, LongBinaryOperator operation) {
        return (a, b, bytes) -> Lanes.mapUnsigned(width, bytes, a, b, operation);
    }

    private static void logic(InstructionTable table) {
        Operation and = unsigned(64, (a, b) -> a & b);
        Operation andNot = unsigned(64, (a, b) -> ~a & b);
        Operation or = unsigned(64, (a, b) -> a | b);
        Operation xor = unsigned(64, (a, b) -> a ^ b);
        binary(table, "0F", "DB", "pand", and);
        binary(table, "0F", "DF", "pandn", andNot);
        binary(table, "0F", "EB", "por", or);
        binary(table, "0F", "EF", "pxor", xor);
        for (String prefix : new String[] {"NP", "66"}) {
            String type = prefix.equals("NP") ? "ps" : "pd";
            binary(table, prefix, "0F", "54 /r", "and" + type, and);
            binary(table, prefix, "0F", "55 /r", "andn" + type, andNot);
            binary(table, prefix, "0F", "56 /r", "or" + type, or);
            binary(table, prefix, "0F", "57 /r", "xor" + type, xor);
        }
    }

    private static void sums(InstructionTable table) {
        byWidth(table, new String[] {"FC", "FD", "FE", "D4"}, "padd", (a, b) -> a + b);
        byWidth(table, new String[] {"F8", "F9", "FA", "FB"}, "psub", (a, b) -> a - b);
        String[] add = {"EC", "ED"};
        String[] subtract = {"E8", "E9"};
        String[] addUnsigned = {"DC", "DD"};
        String[] subtractUnsigned = {"D8", "D9"};
        for (int i = 0; i < 2; i++) {
            int width = WIDTHS[i];
            char letter = LETTERS.charAt(i);
            binary(
                    table,
                    "0F",
                    add[i],
                    "padds" + letter,
                    signed(width, (a, b) -> Lanes.saturate(a + b, width)));
            binary(
                    table,
                    "0F",
                    subtract[i],
                    "psubs" + letter,
                    signed(width, (a, b) -> Lanes.saturate(a - b, width)));
            binary(
                    table,
                    "0F",
                    addUnsigned[i],
                    "paddus" + letter,
                    unsigned(width, (a, b) -> Lanes.saturateUnsigned(a + b, width)));
            binary(
                    table,
                    "0F",
                    subtractUnsigned[i],
                    "psubus" + letter,
                    unsigned(width, (a, b) -> Lanes.saturateUnsigned(a - b, width)));
        }
    }

    private static void byWidth(
            InstructionTable table, String[] opcodes, String name, LongBinaryOperator operation) {
        for (int i = 0; i < opcodes.length; i++) {
            binary(table, "0F", opcodes[i], name + LETTERS.charAt(i), signed(WIDTHS[i], operation));
        }
    }

    private static void comparisons(InstructionTable table) {
        byWidth(table, new String[] {"74", "75", "76"}, "pcmpeq", (a, b) -> a == b ? -1 : 0);
        byWidth(table, new String[] {"64", "65", "66"}, "pcmpgt", (a, b) -> a > b ? -1 : 0);
        binary(table, "0F38", "29", "pcmpeqq", signed(64, (a, b) -> a == b ? -1 : 0));
        binary(table, "0F38", "37", "pcmpgtq", signed(64, (a, b) -> a > b ? -1 : 0));
    }

    private static void extremes(InstructionTable table) {
        binary(table, "0F38", "38", "pminsb", signed(8, Math::min));
        binary(table, "0F", "EA", "pminsw", signed(16, Math::min));
        binary(table, "0F38", "39", "pminsd", signed(32, Math::min));
        binary(table, "0F", "DA", "pminub", unsigned(8, Math::min));
        binary(table, "0F38", "3A", "pminuw", unsigned(16, Math::min));
        binary(table, "0F38", "3B", "pminud", unsigned(32, Math::min));
        binary(table, "0F38", "3C", "pmaxsb", signed(8, Math::max));
        binary(table, "0F", "EE", "pmaxsw", signed(16, Math::max));
        binary(table, "0F38", "3D", "pmaxsd", signed(32, Math::max));
        binary(table, "0F", "DE", "pmaxub", unsigned(8, Math::max));
        binary(table, "0F38", "3E", "pmaxuw", unsigned(16, Math::max));
        binary(table, "0F38", "3F", "pmaxud", unsigned(32, Math::max));
    }

    private static void products(InstructionTable table) {
        binary(table, "0F", "D5", "pmullw", signed(16, (a, b) -> a * b));
        binary(table, "0F", "E5", "pmulhw", signed(16, (a, b) -> (a * b) >> 16));
        binary(table, "0F", "E4", "pmulhuw", unsigned(16, (a, b) -> (a * b) >> 16));
        binary(table, "0F38", "40", "pmulld", signed(32, (a, b) -> a * b));
        binary(table, "0F38", "0B", "pmulhrsw", signed(16, (a, b) -> (((a * b) >> 14) + 1) >> 1));
        binary(
                table,
                "0F",
                "F4",
                "pmuludq",
                unsigned(64, (a, b) -> (a & 0xFFFF_FFFFL) * (b & 0xFFFF_FFFFL)));
        binary(table, "0F38", "28", "pmuldq", signed(64, (a, b) -> (long) (int) a * (int) b));
        binary(table, "0F", "F5", "pmaddwd", VectorIntegers::multiplyAdd);
        binary(table, "0F38", "04", "pmaddubsw", VectorIntegers::multiplyAddBytes);
    }

    private static long[] multiplyAdd(long[] a, long[] b, int bytes) {
        long[] result = new long[4];
        for (int i = 0; i < bytes / 4; i++) {
            long even = Lanes.signed(a, 16, 2 * i) * Lanes.signed(b, 16, 2 * i);
            long odd = Lanes.signed(a, 16, 2 * i + 1) * Lanes.signed(b, 16, 2 * i + 1);
            Lanes.set(result, 32, i, even + odd);
        }
        return result;
    }

    private static long[] multiplyAddBytes(long[] a, long[] b, int bytes) {
        long[] result = new long[4];
        for (int i = 0; i < bytes / 2; i++) {
            long even = Lanes.get(a, 8, 2 * i) * Lanes.signed(b, 8, 2 * i);
            long odd = Lanes.get(a, 8, 2 * i + 1) * Lanes.signed(b, 8, 2 * i + 1);
            Lanes.set(result, 16, i, Lanes.saturate(even + odd, 16));
        }
        return result;
    }

    private static void signs(InstructionTable table) {
        String[] sign = {"08", "09", "0A"};
        String[] absolute = {"1C", "1D", "1E"};
        for (int i = 0; i < 3; i++) {
            int width = WIDTHS[i];
            char letter = LETTERS.charAt(i);
            binary(
                    table,
                    "0F38",
                    sign[i],
                    "psign" + letter,
                    signed(width, (a, b) -> a * Long.signum(b)));
            VectorMoves.both(
                    table,
                    "66",
                    "0F38",
                    absolute[i] + " /r",
                    "pabs" + letter,
                    LEGACY_VECTOR,
                    x -> {
                        long[] value = x.rm();
                        x.reg(
                                Lanes.map(
                                        width,
                                        x.vectorBytes(),
                                        value,
                                        value,
                                        (a, b) -> Math.abs(a)));
                    });
        }
    }

    private static long[] differences(long[] a, long[] b, int bytes) {
        long[] result = new long[4];
        for (int i = 0; i < bytes; i++) {
            result[i / 8] += Math.abs(Lanes.get(a, 8, i) - Lanes.get(b, 8, i));
        }
        return result;
    }

    private static void test(Execution x) {
        long[] first = x.reg();
        long[] second = x.rm();
        long common = 0;
        long missing = 0;
        for (int i = 0; i < x.vectorBytes() / Long.BYTES; i++) {
            common |= first[i] & second[i];
            missing |= ~first[i] & second[i];
        }
        x.cpu().flag(Flags.ARITHMETIC, false);
        x.cpu().flag(Flags.ZF, common == 0);
        x.cpu().flag(Flags.CF, missing == 0);
    }
}
