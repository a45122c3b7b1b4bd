// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.NONE;
import static io.jvmm.emulation.TableEntry.Alignment.VECTOR;

import io.jvmm.emulation.TableEntry.Alignment;

/** Moves between vector registers, memory and general registers, without and with VEX. */
final class VectorMoves {

    private VectorMoves() {}

    static void addTo(InstructionTable table) {
        full(table, "NP", "10", "11", "movups", NONE);
        full(table, "66", "10", "11", "movupd", NONE);
        full(table, "NP", "28", "29", "movaps", VECTOR);
        full(table, "66", "28", "29", "movapd", VECTOR);
        full(table, "66", "6F", "7F", "movdqa", VECTOR);
        full(table, "F3", "6F", "7F", "movdqu", NONE);
        store(table, "NP", "2B", "movntps");
        store(table, "66", "2B", "movntpd");
        store(table, "66", "E7", "movntdq");
        both(table, "66", "0F38", "2A /r mem", "movntdqa", VECTOR, x -> x.reg(x.rm()));
        both(table, "F2", "0F", "F0 /r mem", "lddqu", NONE, x -> x.reg(x.rm()));
        scalar(table, "F3", "movss", 4);
        scalar(table, "F2", "movsd", 8);
        halves(table);
        general(table);
        both128(table, "F3", "7E /r", "movq", x -> x.reg(new long[] {x.rm(8)[0], 0, 0, 0}));
        both128(table, "66", "D6 /r", "movq", VectorMoves::storeLow);
        both(table, "NP", "0F", "50 /r reg", "movmskps", NONE, x -> mask(x, 32));
        both(table, "66", "0F", "50 /r reg", "movmskpd", NONE, x -> mask(x, 64));
        both(table, "66", "0F", "D7 /r reg", "pmovmskb", NONE, x -> mask(x, 8));
        table.vector("VEX.128.NP.0F 77", "zeroupper", NONE, x -> zero(x, true));
        table.vector("VEX.256.NP.0F 77", "zeroall", NONE, x -> zero(x, false));
    }

    /**
     * Adds an instruction with two operands in both encodings.
     *
     * @param map {@code 0F}, {@code 0F38} or {@code 0F3A}
     * @param rest opcode and operands
     */
    static void both(
            InstructionTable table,
            String prefix,
            String map,
            String rest,
            String name,
            Alignment alignment,
            TableEntry.Action action) {
        String spaced = map.length() == 2 ? map : map.substring(0, 2) + ' ' + map.substring(2);
        table.vector(prefix + ' ' + spaced + ' ' + rest, name, alignment, action);
        table.vector("VEX." + prefix + '.' + map + ' ' + rest, name, alignment, action);
    }

    private static void full(
            InstructionTable table,
            String prefix,
            String load,
            String store,
            String name,
            Alignment alignment) {
        both(table, prefix, "0F", load + " /r", name, alignment, x -> x.reg(x.rm()));
        both(table, prefix, "0F", store + " /r", name, alignment, VectorMoves::storeFull);
    }

    private static void store(InstructionTable table, String prefix, String opcode, String name) {
        both(table, prefix, "0F", opcode + " /r mem", name, VECTOR, VectorMoves::storeFull);
    }

    private static void storeFull(Execution x) {
        if (x.hasMemory()) {
            x.storeVector(x.vectorBytes(), x.reg());
        } else {
            x.vector(x.instruction().rm(), x.reg());
        }
    }

    private static void storeLow(Execution x) {
        if (x.hasMemory()) {
            x.storeVector(8, x.reg());
        } else {
            x.vector(x.instruction().rm(), new long[] {x.reg()[0], 0, 0, 0});
        }
    }

    /** MOVSS and MOVSD: memory clears the rest of the register, a register keeps or merges it. */
    private static void scalar(InstructionTable table, String prefix, String name, int bytes) {
        both(table, prefix, "0F", "10 /r mem", name, NONE, x -> x.reg(x.rm(bytes)));
        both(table, prefix, "0F", "11 /r mem", name, NONE, x -> x.storeVector(bytes, x.reg()));
        for (String opcode : new String[] {"10", "11"}) {
            boolean load = opcode.equals("10");
            table.vector(
                    prefix + " 0F " + opcode + " /r reg", name, NONE, x -> merge(x, load, bytes));
            table.vector(
                    "VEX.NDS." + prefix + ".0F " + opcode + " /r reg",
                    name,
                    NONE,
                    x -> merge(x, load, bytes));
        }
    }

    private static void merge(Execution x, boolean load, int bytes) {
        Instruction i = x.instruction();
        int target = load ? i.reg() : i.rm();
        int source = load ? i.rm() : i.reg();
        long[] value = x.extended().vector(i.vex() ? i.vvvv() : target, 16);
        long low = x.extended().vector(source, 16)[0];
        Lanes.set(value, bytes * Byte.SIZE, 0, low);
        x.vector(target, value);
    }

    /** MOVLPS to MOVHPD, and what their register forms are. */
    private static void halves(InstructionTable table) {
        for (String prefix : new String[] {"NP", "66"}) {
            String type = prefix.equals("NP") ? "ps" : "pd";
            half(table, prefix, "12", "movl" + type, 0);
            half(table, prefix, "16", "movh" + type, 1);
            both128(table, prefix, "13 /r mem", "movl" + type, x -> x.storeVector(8, x.reg()));
            both128(
                    table,
                    prefix,
                    "17 /r mem",
                    "movh" + type,
                    x -> x.storeVector(8, new long[] {x.reg()[1], 0, 0, 0}));
        }
        table.vector("NP 0F 12 /r reg", "movhlps", NONE, x -> crossed(x, 1, 0));
        table.vector("VEX.NDS.128.NP.0F 12 /r reg", "movhlps", NONE, x -> crossed(x, 1, 0));
        table.vector("NP 0F 16 /r reg", "movlhps", NONE, x -> crossed(x, 0, 1));
        table.vector("VEX.NDS.128.NP.0F 16 /r reg", "movlhps", NONE, x -> crossed(x, 0, 1));
    }

    private static void half(
            InstructionTable table, String prefix, String opcode, String name, int half) {
        TableEntry.Action action =
                x -> {
                    long loaded = x.load(Long.BYTES);
                    long[] value = x.first();
                    value[half] = loaded;
                    x.reg(value);
                };
        table.vector(prefix + " 0F " + opcode + " /r mem", name, NONE, action);
        table.vector("VEX.NDS.128." + prefix + ".0F " + opcode + " /r mem", name, NONE, action);
    }

    private static void both128(
            InstructionTable table,
            String prefix,
            String rest,
            String name,
            TableEntry.Action action) {
        table.vector(prefix + " 0F " + rest, name, NONE, action);
        table.vector("VEX.128." + prefix + ".0F " + rest, name, NONE, action);
    }

    private static void crossed(Execution x, int from, int to) {
        long[] value = x.first();
        value[to] = x.rm()[from];
        x.reg(value);
    }

    private static void general(InstructionTable table) {
        both128(table, "66", "6E /r", "movd", VectorMoves::fromGeneral);
        both128(table, "66", "7E /r", "movd", VectorMoves::toGeneral);
    }

    private static void fromGeneral(Execution x) {
        int size = x.instruction().operandSize() == 8 ? 8 : 4;
        x.reg(new long[] {x.general(size), 0, 0, 0});
    }

    private static void toGeneral(Execution x) {
        int size = x.instruction().operandSize() == 8 ? 8 : 4;
        x.general(size, x.reg()[0]);
    }

    private static void mask(Execution x, int width) {
        long[] value = x.rm();
        long bits = 0;
        for (int i = 0; i < x.vectorBytes() * Byte.SIZE / width; i++) {
            bits |= (Lanes.get(value, width, i) >>> (width - 1)) << i;
        }
        x.cpu().general(x.instruction().reg(), Integer.BYTES, bits);
    }

    private static void zero(Execution x, boolean keepLow) {
        int count = x.cpu().longMode() ? 16 : 8;
        for (int i = 0; i < count; i++) {
            long[] value = keepLow ? x.extended().vector(i, 16) : new long[4];
            x.extended().wideVector(i, value);
        }
    }
}
