// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.TableEntry.Action;
import io.jvmm.emulation.TableEntry.Alignment;
import io.jvmm.emulation.TableEntry.Needs;

import java.util.ArrayList;
import java.util.List;

/**
 * The instructions that can be completed, found by their opcode. Built once, then immutable and
 * safe for all threads.
 */
final class InstructionTable {

    private static final int[] PREFIXES = {0, 0x66, 0xF3, 0xF2};

    private final List<List<TableEntry>> byOpcode = new ArrayList<>();
    private final List<TableEntry> all = new ArrayList<>();

    private InstructionTable() {
        for (int i = 0; i < 2 * 4 * PREFIXES.length * 256; i++) {
            byOpcode.add(new ArrayList<>(0));
        }
    }

    /** The one table. */
    static final InstructionTable INSTANCE = build();

    private static InstructionTable build() {
        InstructionTable table = new InstructionTable();
        GeneralInstructions.addTo(table);
        BitInstructions.addTo(table);
        StateInstructions.addTo(table);
        VectorMoves.addTo(table);
        VectorIntegers.addTo(table);
        VectorShifts.addTo(table);
        VectorShuffles.addTo(table);
        return table;
    }

    /** Adds an instruction that needs nothing turned on. */
    void add(String notation, String name, Action action) {
        add(notation, name, Needs.NOTHING, Alignment.NONE, action);
    }

    /**
     * Adds an instruction on vectors, by its notation without VEX or with; which it is says what it
     * needs.
     */
    void vector(String notation, String name, Alignment alignment, Action action) {
        Needs needs = notation.startsWith("VEX.") ? Needs.AVX : Needs.SSE;
        add(notation, name, needs, alignment, action);
    }

    void add(String notation, String name, Needs needs, Alignment alignment, Action action) {
        Encoding encoding = Encoding.of(notation);
        TableEntry entry = new TableEntry(name, encoding, needs, alignment, action);
        all.add(entry);
        for (int prefix : PREFIXES) {
            if (encoding.prefix() == prefix || encoding.prefix() == Encoding.ANY_PREFIX) {
                byOpcode.get(key(encoding.vex(), prefix, encoding.map(), encoding.opcode()))
                        .add(entry);
            }
        }
    }

    /** Those with an opcode; usually none or one, a few where ModRM tells more. */
    List<TableEntry> with(boolean vex, int prefix, int map, int opcode) {
        return byOpcode.get(key(vex, prefix, map, opcode));
    }

    /** All of them, in the order of the table. */
    List<TableEntry> all() {
        return List.copyOf(all);
    }

    private static int key(boolean vex, int prefix, int map, int opcode) {
        int p =
                switch (prefix) {
                    case 0 -> 0;
                    case 0x66 -> 1;
                    case 0xF3 -> 2;
                    case 0xF2 -> 3;
                    default -> throw new AssertionError(prefix);
                };
        return (((vex ? 1 : 0) * 4 + map) * PREFIXES.length + p) * 256 + opcode;
    }
}
