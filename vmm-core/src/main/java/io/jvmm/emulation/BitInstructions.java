// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.TableEntry.Action;
import io.jvmm.emulation.TableEntry.Alignment;
import io.jvmm.emulation.TableEntry.Needs;

import java.util.function.LongBinaryOperator;

/** Counts of bits, checksums, and the bit manipulation that uses VEX (SDM volume 2). */
final class BitInstructions {

    /** The Castagnoli polynomial, with its bits in the order in which CRC32 shifts. */
    private static final int CASTAGNOLI = 0x82F6_3B78;

    private BitInstructions() {}

    static void addTo(InstructionTable table) {
        table.add("F3 0F B8 /r", "popcnt", BitInstructions::populationCount);
        table.add("F3 0F BC /r", "tzcnt", x -> count(x, trailing(x)));
        table.add("F3 0F BD /r", "lzcnt", x -> count(x, leading(x)));
        table.add("F2 0F 38 F0 /r", "crc32", x -> checksum(x, 1));
        table.add("F2 0F 38 F1 /r", "crc32", x -> checksum(x, x.instruction().operandSize()));
        vex(table, "VEX.NDS.128.NP.0F38 F2 /r", "andn", BitInstructions::andNot);
        vex(table, "VEX.128.F2.0F3A F0 /r ib", "rorx", BitInstructions::rotate);
        vex(table, "VEX.NDS.128.66.0F38 F7 /r", "shlx", x -> shift(x, (a, n) -> a << n, false));
        vex(table, "VEX.NDS.128.F2.0F38 F7 /r", "shrx", x -> shift(x, (a, n) -> a >>> n, false));
        vex(table, "VEX.NDS.128.F3.0F38 F7 /r", "sarx", x -> shift(x, (a, n) -> a >> n, true));
        vex(table, "VEX.NDS.128.F2.0F38 F6 /r", "mulx", BitInstructions::multiply);
        vex(table, "VEX.NDS.128.F2.0F38 F5 /r", "pdep", x -> spread(x, Long::expand));
        vex(table, "VEX.NDS.128.F3.0F38 F5 /r", "pext", x -> spread(x, Long::compress));
    }

    private static void vex(InstructionTable table, String notation, String name, Action action) {
        table.add(notation, name, Needs.VEX_GENERAL, Alignment.NONE, action);
    }

    private static void populationCount(Execution x) {
        int size = x.instruction().operandSize();
        long value = x.general(size);
        x.cpu().general(x.instruction().reg(), size, Long.bitCount(value));
        x.cpu().flag(Flags.ARITHMETIC, false);
        x.cpu().flag(Flags.ZF, value == 0);
    }

    private static int trailing(Execution x) {
        int size = x.instruction().operandSize();
        return Math.min(Long.numberOfTrailingZeros(x.general(size)), size * Byte.SIZE);
    }

    private static int leading(Execution x) {
        int size = x.instruction().operandSize();
        return Long.numberOfLeadingZeros(x.general(size)) - (Long.SIZE - size * Byte.SIZE);
    }

    private static void count(Execution x, int zeros) {
        int size = x.instruction().operandSize();
        x.cpu().general(x.instruction().reg(), size, zeros);
        x.cpu().flag(Flags.CF, zeros == size * Byte.SIZE);
        x.cpu().flag(Flags.ZF, zeros == 0);
    }

    private static void checksum(Execution x, int size) {
        Instruction i = x.instruction();
        long data;
        if (size == 1 && !x.hasMemory()) {
            boolean high = i.highBytes() && i.rm() >= Registers.RSP;
            data = high ? x.cpu().general(i.rm() - 4) >>> 8 : x.cpu().general(i.rm());
        } else {
            data = x.general(size);
        }
        int crc = (int) x.cpu().general(i.reg());
        for (int n = 0; n < size; n++) {
            crc ^= (int) (data >>> (n * Byte.SIZE)) & 0xFF;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                crc = crc >>> 1 ^ (CASTAGNOLI & -(crc & 1));
            }
        }
        x.cpu().general(i.reg(), Long.BYTES, Integer.toUnsignedLong(crc));
    }

    /** Bytes of the operands of an instruction with VEX. */
    private static int size(Execution x) {
        return x.instruction().operandSize() == Long.BYTES ? Long.BYTES : Integer.BYTES;
    }

    private static void andNot(Execution x) {
        int size = size(x);
        long value =
                Execution.truncated(
                        ~x.cpu().general(x.instruction().vvvv()) & x.general(size), size);
        x.cpu().general(x.instruction().reg(), size, value);
        x.cpu().flag(Flags.CF | Flags.OF, false);
        x.cpu().flag(Flags.ZF, value == 0);
        x.cpu().flag(Flags.SF, value >>> (size * Byte.SIZE - 1) != 0);
    }

    private static void rotate(Execution x) {
        int size = size(x);
        long value = x.general(size);
        int by = x.instruction().immediate();
        x.cpu()
                .general(
                        x.instruction().reg(),
                        size,
                        size == Long.BYTES
                                ? Long.rotateRight(value, by)
                                : Integer.rotateRight((int) value, by));
    }

    private static void shift(Execution x, LongBinaryOperator operation, boolean signed) {
        int size = size(x);
        long value = x.general(size);
        if (signed && size == Integer.BYTES) {
            value = Lanes.sign(value, Integer.SIZE);
        }
        long by = x.cpu().general(x.instruction().vvvv()) & (size * Byte.SIZE - 1);
        x.cpu().general(x.instruction().reg(), size, operation.applyAsLong(value, by));
    }

    private static void multiply(Execution x) {
        int size = size(x);
        long a = Execution.truncated(x.cpu().general(Registers.RDX), size);
        long b = x.general(size);
        long high = size == Long.BYTES ? Math.unsignedMultiplyHigh(a, b) : (a * b) >>> Integer.SIZE;
        x.cpu().general(x.instruction().vvvv(), size, a * b);
        x.cpu().general(x.instruction().reg(), size, high);
    }

    private static void spread(Execution x, LongBinaryOperator operation) {
        int size = size(x);
        long source = Execution.truncated(x.cpu().general(x.instruction().vvvv()), size);
        x.cpu()
                .general(
                        x.instruction().reg(),
                        size,
                        operation.applyAsLong(source, x.general(size)));
    }
}
