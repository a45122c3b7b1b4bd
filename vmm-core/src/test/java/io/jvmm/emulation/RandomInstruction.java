// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.Encoding.Form;

import java.io.ByteArrayOutputStream;
import java.util.random.RandomGenerator;

/** Assembles an entry of the table with operands by chance. */
final class RandomInstruction {

    /** The register that holds the address of the memory operand. */
    static final int BASE = Registers.RSI;

    final byte[] bytes;
    final boolean memory;

    private final RandomGenerator random;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private RandomInstruction(Encoding e, RandomGenerator random, boolean stack) {
        this.random = random;
        boolean w = e.w() < 0 ? random.nextInt(3) == 0 : e.w() == 1;
        int reg = e.digit() >= 0 ? e.digit() : random.nextInt(8);
        int rm = random.nextInt(8);
        memory =
                e.hasModRm()
                        && e.modRm() < 0
                        && (e.form() == Form.MEMORY
                                || (e.form() == Form.ANY && random.nextInt(3) != 0));
        int extendReg = e.digit() >= 0 ? 0 : random.nextInt(2);
        int extendRm = memory ? 0 : random.nextInt(2);
        if (e.vex()) {
            boolean length = e.length256() < 0 ? random.nextBoolean() : e.length256() == 1;
            vexPrefix(e, w, length, extendReg, extendRm);
        } else {
            legacyPrefixes(e, w, extendReg, extendRm);
        }
        out.write(e.opcode());
        if (e.modRm() >= 0) {
            out.write(e.modRm());
        } else if (memory) {
            // [rsi], [rsi + disp8], or the same by a SIB byte; [rsp] for the stack segment.
            int kind = random.nextInt(3);
            if (stack) {
                out.write(reg << 3 | 4);
                out.write(0x24);
            } else if (kind == 0) {
                out.write(reg << 3 | BASE);
            } else if (kind == 1) {
                out.write(0x40 | reg << 3 | BASE);
                out.write(0);
            } else {
                out.write(0x80 | reg << 3 | 4);
                out.write(0x20 | BASE);
                out.writeBytes(new byte[4]);
            }
        } else if (e.hasModRm()) {
            out.write(0xC0 | reg << 3 | rm);
        }
        if (e.immediate() == 1) {
            out.write(random.nextBoolean() ? random.nextInt(256) : random.nextInt(34));
        }
        bytes = out.toByteArray();
    }

    static RandomInstruction of(TableEntry entry, RandomGenerator random, boolean stack) {
        return new RandomInstruction(entry.encoding(), random, stack);
    }

    private void legacyPrefixes(Encoding e, boolean w, int extendReg, int extendRm) {
        boolean general =
                (e.prefix() == 0xF3 && e.map() == 1 && (e.opcode() & 0xF8) == 0xB8)
                        || (e.prefix() == 0xF2 && e.map() == 2);
        if (general && random.nextInt(4) == 0) {
            out.write(0x66);
        }
        if (e.prefix() > 0) {
            out.write(e.prefix());
        }
        if (e.map() == 1 && e.opcode() == 0xC7 && e.digit() == 1 && random.nextBoolean()) {
            out.write(0xF0);
        }
        int rex = (w ? 8 : 0) | extendReg << 2 | extendRm;
        if (rex != 0 && e.hasModRm()) {
            out.write(0x40 | rex);
        }
        if (e.map() > 0) {
            out.write(0x0F);
        }
        if (e.map() > 1) {
            out.write(e.map() == 2 ? 0x38 : 0x3A);
        }
    }

    private void vexPrefix(Encoding e, boolean w, boolean length, int extendReg, int extendRm) {
        int further = e.further() ? random.nextInt(16) : 0;
        int prefix =
                switch (e.prefix()) {
                    case 0x66 -> 1;
                    case 0xF3 -> 2;
                    case 0xF2 -> 3;
                    default -> 0;
                };
        int last = (~further & 0xF) << 3 | (length ? 4 : 0) | prefix;
        if (e.map() == 1 && !w && extendRm == 0 && random.nextBoolean()) {
            out.write(0xC5);
            out.write((1 - extendReg) << 7 | last);
        } else {
            out.write(0xC4);
            out.write((1 - extendReg) << 7 | 0x40 | (1 - extendRm) << 5 | e.map());
            out.write((w ? 0x80 : 0) | last);
        }
    }
}
