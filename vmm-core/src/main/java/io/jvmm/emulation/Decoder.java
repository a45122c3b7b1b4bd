// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.emulation.Instruction.MemoryOperand;

import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/**
 * Decodes one instruction of 64-bit or flat 32-bit code (SDM volume 2, chapter 2). Used for one
 * instruction, then thrown away.
 */
final class Decoder {

    private static final int REX_B = 1;
    private static final int REX_X = 2;
    private static final int REX_R = 4;
    private static final int REX_W = 8;

    private static final int NO_MOD_RM = -1;

    private final InstructionTable table;
    private final InstructionBytes bytes;
    private final boolean longMode;

    private boolean operandPrefix;
    private boolean addressPrefix;
    private boolean lock;
    private int repeat;
    private int segment = Instruction.NONE;
    private int rex;
    private boolean anyRex;
    private boolean vex;
    private boolean length256;
    private int vvvv;
    private int vexPrefix;

    Decoder(InstructionTable table, InstructionBytes bytes, boolean longMode) {
        this.table = table;
        this.bytes = bytes;
        this.longMode = longMode;
    }

    /**
     * Decodes it.
     *
     * @throws Refusal it is not in the table
     * @throws GuestFault it is no instruction, or its bytes cannot be fetched
     */
    Instruction decode() {
        int opcode = prefixes();
        int map = 0;
        if (opcode == 0xC4 || opcode == 0xC5) {
            if (longMode || bytes.peek() >= 0xC0) {
                map = opcode == 0xC5 ? vex2() : vex3();
                opcode = bytes.next();
            }
        } else if (opcode == 0x62) {
            throw unlisted("an instruction with an EVEX prefix (AVX-512)");
        } else if (opcode == 0x0F) {
            opcode = bytes.next();
            map = 1;
            if (opcode == 0x38 || opcode == 0x3A) {
                map = opcode == 0x38 ? 2 : 3;
                opcode = bytes.next();
            }
        }
        int prefix = vex ? vexPrefix : repeat != 0 ? repeat : operandPrefix ? 0x66 : 0;
        List<TableEntry> candidates = map > 3 ? List.of() : table.with(vex, prefix, map, opcode);
        if (candidates.isEmpty()) {
            throw unlisted(name(prefix, map, opcode, ""));
        }
        int modRm = candidates.getFirst().encoding().hasModRm() ? bytes.next() : NO_MOD_RM;
        for (TableEntry candidate : candidates) {
            if (candidate.encoding().matches(modRm, (rex & REX_W) != 0, length256)) {
                return operands(candidate, modRm);
            }
        }
        throw unlisted(name(prefix, map, opcode, modRm < 0 ? "" : " /" + (modRm >> 3 & 7)));
    }

    /** Reads all prefixes; {@return the byte after them} */
    private int prefixes() {
        while (true) {
            int b = bytes.next();
            switch (b) {
                case 0x66 -> operandPrefix = true;
                case 0x67 -> addressPrefix = true;
                case 0xF0 -> lock = true;
                case 0xF2, 0xF3 -> repeat = b;
                case 0x26 -> segment(Instruction.ES);
                case 0x2E -> segment(Instruction.CS);
                case 0x36 -> segment(Instruction.SS);
                case 0x3E -> segment(Instruction.DS);
                case 0x64 -> segment = Instruction.FS;
                case 0x65 -> segment = Instruction.GS;
                default -> {
                    if (!longMode || (b & 0xF0) != 0x40) {
                        return b;
                    }
                    rex = b & 0xF;
                    anyRex = true;
                    continue;
                }
            }
            // A REX prefix counts only right before the opcode.
            rex = 0;
            anyRex = false;
        }
    }

    /** In 64-bit mode these segments have no base, and their prefixes no effect. */
    private void segment(int number) {
        if (!longMode) {
            segment = number;
        }
    }

    private int vex2() {
        int payload = bytes.next();
        vexCommon(payload);
        rex = (payload & 0x80) == 0 ? REX_R : 0;
        return 1;
    }

    private int vex3() {
        int first = bytes.next();
        int second = bytes.next();
        vexCommon(second);
        rex = ~first >> 5 & 7;
        if ((second & 0x80) != 0) {
            rex |= REX_W;
        }
        return first & 0x1F;
    }

    private void vexCommon(int payload) {
        if (lock || repeat != 0 || operandPrefix || rex != 0) {
            throw GuestFault.invalidOpcode();
        }
        vex = true;
        length256 = (payload & 4) != 0;
        vvvv = ~payload >> 3 & 0xF;
        vexPrefix =
                switch (payload & 3) {
                    case 1 -> 0x66;
                    case 2 -> 0xF3;
                    case 3 -> 0xF2;
                    default -> 0;
                };
    }

    private Instruction operands(TableEntry entry, int modRm) {
        Encoding encoding = entry.encoding();
        if (vex && !encoding.further() && vvvv != 0) {
            throw GuestFault.invalidOpcode();
        }
        if (!longMode) {
            // Eight registers only; W is ignored where it would widen a general register.
            rex &= REX_W;
            vvvv &= 7;
        }
        MemoryOperand memory = null;
        int reg = 0;
        int rm = 0;
        if (modRm >= 0) {
            reg = (modRm >> 3 & 7) | ((rex & REX_R) != 0 ? 8 : 0);
            rm = (modRm & 7) | ((rex & REX_B) != 0 ? 8 : 0);
            if (modRm < 0xC0) {
                memory = memoryOperand(modRm >> 6, modRm & 7);
            }
        }
        if (lock && (memory == null || !entry.name().startsWith("cmpxchg"))) {
            throw GuestFault.invalidOpcode();
        }
        int immediate = encoding.immediate() == 0 ? 0 : (byte) bytes.next();
        int operandSize = (rex & REX_W) != 0 && longMode ? 8 : operandPrefix ? 2 : 4;
        return new Instruction(
                entry,
                bytes.position(),
                vex,
                length256,
                operandSize,
                !anyRex,
                lock,
                repeat,
                reg,
                vvvv,
                memory,
                rm,
                immediate);
    }

    private MemoryOperand memoryOperand(int mod, int rm) {
        if (addressPrefix && !longMode) {
            throw new Refusal("an instruction with a 16-bit address");
        }
        int base = rm | ((rex & REX_B) != 0 ? 8 : 0);
        int index = Instruction.NONE;
        int shift = 0;
        if (rm == 4) {
            int sib = bytes.next();
            shift = sib >> 6;
            index = (sib >> 3 & 7) | ((rex & REX_X) != 0 ? 8 : 0);
            if (index == Registers.RSP) {
                index = Instruction.NONE;
            }
            base = (sib & 7) | ((rex & REX_B) != 0 ? 8 : 0);
            if ((sib & 7) == 5 && mod == 0) {
                base = Instruction.NONE;
            }
        } else if (rm == 5 && mod == 0) {
            base = longMode ? Instruction.NEXT : Instruction.NONE;
        }
        boolean fourBytes =
                mod == 2 || (mod == 0 && (base == Instruction.NONE || base == Instruction.NEXT));
        int displacement = fourBytes ? bytes.nextInt() : mod == 1 ? (byte) bytes.next() : 0;
        return new MemoryOperand(
                defaultSegment(base), base, index, shift, displacement, longMode && !addressPrefix);
    }

    private int defaultSegment(int base) {
        if (segment != Instruction.NONE) {
            return segment;
        }
        return base == Registers.RSP || base == Registers.RBP ? Instruction.SS : Instruction.DS;
    }

    private Refusal unlisted(String what) {
        return new Refusal(
                "%s is not among the instructions that can be completed".formatted(what));
    }

    private String name(int prefix, int map, int opcode, String digit) {
        StringBuilder text = new StringBuilder(vex ? (length256 ? "VEX.256." : "VEX.128.") : "");
        if (prefix != 0) {
            text.append(HexFormat.of().toHexDigits((byte) prefix)).append(' ');
        }
        text.append(
                switch (map) {
                    case 0 -> "";
                    case 1 -> "0f ";
                    case 2 -> "0f 38 ";
                    case 3 -> "0f 3a ";
                    default -> "map " + map + ' ';
                });
        return text.append(HexFormat.of().toHexDigits((byte) opcode))
                .append(digit)
                .toString()
                .toUpperCase(Locale.ROOT);
    }
}
