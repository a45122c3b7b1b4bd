// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.LEGACY_VECTOR;

/** Shifts of vectors: by an immediate, by a vector's low half, lane by lane, by bytes. */
final class VectorShifts {

    private enum Kind {
        LEFT,
        RIGHT,
        ARITHMETIC
    }

    private VectorShifts() {}

    static void addTo(InstructionTable table) {
        immediate(table, "71", 2, "psrlw", 16, Kind.RIGHT);
        immediate(table, "71", 4, "psraw", 16, Kind.ARITHMETIC);
        immediate(table, "71", 6, "psllw", 16, Kind.LEFT);
        immediate(table, "72", 2, "psrld", 32, Kind.RIGHT);
        immediate(table, "72", 4, "psrad", 32, Kind.ARITHMETIC);
        immediate(table, "72", 6, "pslld", 32, Kind.LEFT);
        immediate(table, "73", 2, "psrlq", 64, Kind.RIGHT);
        immediate(table, "73", 6, "psllq", 64, Kind.LEFT);
        bytes(table, 3, "psrldq", false);
        bytes(table, 7, "pslldq", true);
        byVector(table, "D1", "psrlw", 16, Kind.RIGHT);
        byVector(table, "D2", "psrld", 32, Kind.RIGHT);
        byVector(table, "D3", "psrlq", 64, Kind.RIGHT);
        byVector(table, "E1", "psraw", 16, Kind.ARITHMETIC);
        byVector(table, "E2", "psrad", 32, Kind.ARITHMETIC);
        byVector(table, "F1", "psllw", 16, Kind.LEFT);
        byVector(table, "F2", "pslld", 32, Kind.LEFT);
        byVector(table, "F3", "psllq", 64, Kind.LEFT);
        byLane(table, "W0", "45", "psrlvd", 32, Kind.RIGHT);
        byLane(table, "W1", "45", "psrlvq", 64, Kind.RIGHT);
        byLane(table, "W0", "46", "psravd", 32, Kind.ARITHMETIC);
        byLane(table, "W0", "47", "psllvd", 32, Kind.LEFT);
        byLane(table, "W1", "47", "psllvq", 64, Kind.LEFT);
    }

    /** A lane shifted; a count beyond its width leaves zeros, or copies of the sign. */
    private static long shifted(long value, int width, long count, Kind kind) {
        boolean beyond = Long.compareUnsigned(count, width) >= 0;
        return switch (kind) {
            case LEFT -> beyond ? 0 : value << count;
            case RIGHT -> beyond ? 0 : value >>> count;
            case ARITHMETIC -> Lanes.sign(value, width) >> (beyond ? width - 1 : count);
        };
    }

    private static long[] all(long[] value, int bytes, int width, long count, Kind kind) {
        return Lanes.mapUnsigned(
                width, bytes, value, value, (a, b) -> shifted(a, width, count, kind));
    }

    /**
     * With VEX the target is the further register, and ModRM.rm the source; without, both are rm.
     */
    private static void immediate(
            InstructionTable table, String opcode, int digit, String name, int width, Kind kind) {
        immediate(
                table,
                opcode + " /" + digit + " ib reg",
                name,
                x ->
                        target(
                                x,
                                all(
                                        x.rm(),
                                        x.vectorBytes(),
                                        width,
                                        x.instruction().immediate() & 0xFF,
                                        kind)));
    }

    private static void immediate(
            InstructionTable table, String rest, String name, TableEntry.Action action) {
        table.vector("66 0F " + rest, name, LEGACY_VECTOR, action);
        table.vector("VEX.NDS.66.0F " + rest, name, LEGACY_VECTOR, action);
    }

    private static void target(Execution x, long[] value) {
        Instruction i = x.instruction();
        x.vector(i.vex() ? i.vvvv() : i.rm(), value);
    }

    private static void bytes(InstructionTable table, int digit, String name, boolean left) {
        immediate(table, "73 /" + digit + " ib reg", name, x -> target(x, byBytes(x, left)));
    }

    /** Each half of 16 bytes by itself. */
    private static long[] byBytes(Execution x, boolean left) {
        int count = Math.min(x.instruction().immediate() & 0xFF, 16);
        long[] value = x.rm();
        long[] result = new long[4];
        for (int half = 0; half < x.vectorBytes(); half += 16) {
            for (int i = 0; i < 16 - count; i++) {
                int from = half + (left ? i : i + count);
                int to = half + (left ? i + count : i);
                Lanes.set(result, 8, to, Lanes.get(value, 8, from));
            }
        }
        return result;
    }

    private static void byVector(
            InstructionTable table, String opcode, String name, int width, Kind kind) {
        TableEntry.Action action =
                x -> {
                    long count = x.rm(16)[0];
                    x.reg(all(x.first(), x.vectorBytes(), width, count, kind));
                };
        table.vector("66 0F " + opcode + " /r", name, LEGACY_VECTOR, action);
        table.vector("VEX.NDS.66.0F " + opcode + " /r", name, LEGACY_VECTOR, action);
    }

    private static void byLane(
            InstructionTable table, String w, String opcode, String name, int width, Kind kind) {
        table.vector(
                "VEX.NDS.66.0F38." + w + ' ' + opcode + " /r",
                name,
                LEGACY_VECTOR,
                x ->
                        x.reg(
                                Lanes.mapUnsigned(
                                        width,
                                        x.vectorBytes(),
                                        x.first(),
                                        x.rm(),
                                        (a, b) -> shifted(a, width, b, kind))));
    }
}
