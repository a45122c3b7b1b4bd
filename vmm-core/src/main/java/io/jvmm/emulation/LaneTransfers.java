// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import static io.jvmm.emulation.TableEntry.Alignment.NONE;

/** Single lanes between a vector and a general register or memory: PINSR and PEXTR. */
final class LaneTransfers {

    private LaneTransfers() {}

    static void addTo(InstructionTable table) {
        insert(table, "66 0F 3A 20 /r ib", "VEX.NDS.128.66.0F3A 20 /r ib", "pinsrb", 8);
        insert(table, "66 0F C4 /r ib", "VEX.NDS.128.66.0F C4 /r ib", "pinsrw", 16);
        insert(table, "66 0F 3A 22 /r ib W0", "VEX.NDS.128.66.0F3A.W0 22 /r ib", "pinsrd", 32);
        insert(table, "66 0F 3A 22 /r ib REX.W", "VEX.NDS.128.66.0F3A.W1 22 /r ib", "pinsrq", 64);
        extract(table, "66 0F 3A 14 /r ib", "VEX.128.66.0F3A 14 /r ib", "pextrb", 8);
        extract(table, "66 0F 3A 15 /r ib", "VEX.128.66.0F3A 15 /r ib", "pextrw", 16);
        extract(table, "66 0F 3A 16 /r ib W0", "VEX.128.66.0F3A.W0 16 /r ib", "pextrd", 32);
        extract(table, "66 0F 3A 16 /r ib REX.W", "VEX.128.66.0F3A.W1 16 /r ib", "pextrq", 64);
        TableEntry.Action word =
                x ->
                        x.cpu()
                                .general(
                                        x.instruction().reg(),
                                        Integer.BYTES,
                                        Lanes.get(x.rm(), 16, x.instruction().immediate() & 7));
        table.vector("66 0F C5 /r ib reg", "pextrw", NONE, word);
        table.vector("VEX.128.66.0F C5 /r ib reg", "pextrw", NONE, word);
    }

    private static int lane(Execution x, int width) {
        return x.instruction().immediate() & (128 / width - 1);
    }

    private static void insert(
            InstructionTable table, String legacy, String vex, String name, int width) {
        TableEntry.Action action =
                x -> {
                    long inserted =
                            x.hasMemory()
                                    ? x.load(width / Byte.SIZE)
                                    : x.cpu().general(x.instruction().rm());
                    long[] value = x.first();
                    Lanes.set(value, width, lane(x, width), inserted);
                    x.reg(value);
                };
        table.vector(legacy, name, NONE, action);
        table.vector(vex, name, NONE, action);
    }

    private static void extract(
            InstructionTable table, String legacy, String vex, String name, int width) {
        TableEntry.Action action =
                x -> {
                    long value = Lanes.get(x.reg(), width, lane(x, width));
                    if (x.hasMemory()) {
                        x.store(width / Byte.SIZE, value);
                    } else {
                        // Narrow lanes are zero-extended into the whole register.
                        x.cpu().general(x.instruction().rm(), Long.BYTES, value);
                    }
                };
        table.vector(legacy, name, NONE, action);
        table.vector(vex, name, NONE, action);
    }
}
