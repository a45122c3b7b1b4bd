// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.HexFormat;
import java.util.List;

/**
 * What the bytes of an instruction look like, read from the notation of the manual's opcode tables
 * (SDM volume 2, 3.1.1.1), such as {@code 66 0F 38 17 /r} or {@code VEX.128.66.0F.W0 6E /r}.
 *
 * @param vex whether with a VEX prefix
 * @param prefix the mandatory prefix: 0, 0x66, 0xF2 or 0xF3; {@link #ANY_PREFIX}
 * @param map 0 for one byte, 1 for 0F, 2 for 0F 38, 3 for 0F 3A
 * @param opcode the opcode's last byte
 * @param hasModRm whether a ModRM byte follows
 * @param digit what ModRM.reg must be, or -1
 * @param modRm what the whole ModRM byte must be, or -1
 * @param form whether ModRM must name memory or a register
 * @param w what the W bit must be, or -1
 * @param length256 what VEX.L must be, or -1
 * @param further whether VEX names a further operand in vvvv
 * @param immediate bytes of the immediate operand, 0 or 1
 */
record Encoding(
        boolean vex,
        int prefix,
        int map,
        int opcode,
        boolean hasModRm,
        int digit,
        int modRm,
        Form form,
        int w,
        int length256,
        boolean further,
        int immediate) {

    /** What ModRM names. */
    enum Form {
        ANY,
        MEMORY,
        REGISTER
    }

    /** The instruction takes no mandatory prefix and ignores whichever is there. */
    static final int ANY_PREFIX = -1;

    /**
     * Reads the notation. Besides the manual's words it knows {@code mem} and {@code reg} for what
     * ModRM must name, {@code NDS} for a further operand, {@code *} for any prefix.
     */
    static Encoding of(String notation) {
        Parser p = new Parser();
        for (String word : List.of(notation.split(" ", -1))) {
            if (word.startsWith("VEX.")) {
                p.vex(word);
            } else {
                p.word(word);
            }
        }
        return p.result(notation);
    }

    /** Whether an instruction with this ModRM, W and L is meant. */
    boolean matches(int modRmByte, boolean wBit, boolean lBit) {
        boolean memory = modRmByte < 0xC0;
        return (digit < 0 || digit == (modRmByte >> 3 & 7))
                && (modRm < 0 || modRm == modRmByte)
                && (form != Form.MEMORY || memory)
                && (form != Form.REGISTER || !memory)
                && (w < 0 || (w == 1) == wBit)
                && (length256 < 0 || (length256 == 1) == lBit);
    }

    private static final class Parser {
        private boolean vex;
        private int prefix;
        private int map;
        private int opcode = -1;
        private boolean hasModRm;
        private int digit = -1;
        private int modRm = -1;
        private Form form = Form.ANY;
        private int w = -1;
        private int length256 = -1;
        private boolean further;
        private int immediate;

        void vex(String word) {
            vex = true;
            for (String part : List.of(word.split("\\.", -1))) {
                switch (part) {
                    case "VEX", "NP", "LIG", "WIG" -> {}
                    case "NDS" -> further = true;
                    case "128" -> length256 = 0;
                    case "256" -> length256 = 1;
                    case "66", "F2", "F3" -> prefix = HexFormat.fromHexDigits(part);
                    case "0F" -> map = 1;
                    case "0F38" -> map = 2;
                    case "0F3A" -> map = 3;
                    case "W0" -> w = 0;
                    case "W1" -> w = 1;
                    default -> throw new IllegalArgumentException(word);
                }
            }
        }

        void word(String word) {
            switch (word) {
                case "NP" -> {}
                case "*" -> prefix = ANY_PREFIX;
                case "REX.W" -> w = 1;
                case "W0" -> w = 0;
                case "/r" -> hasModRm = true;
                case "ib" -> immediate = 1;
                case "mem" -> form = Form.MEMORY;
                case "reg" -> form = Form.REGISTER;
                default -> {
                    if (word.startsWith("/")) {
                        hasModRm = true;
                        digit = Integer.parseInt(word, 1, 2, 10);
                    } else {
                        hexByte(HexFormat.fromHexDigits(word));
                    }
                }
            }
        }

        private void hexByte(int value) {
            if (opcode >= 0) {
                hasModRm = true;
                modRm = value;
            } else if (!vex && map == 0 && value == 0x0F) {
                map = 1;
            } else if (!vex && map == 1 && value == 0x38) {
                map = 2;
            } else if (!vex && map == 1 && value == 0x3A) {
                map = 3;
            } else if (!vex
                    && map == 0
                    && prefix == 0
                    && (value == 0x66 || value == 0xF2 || value == 0xF3)) {
                prefix = value;
            } else {
                opcode = value;
            }
        }

        Encoding result(String notation) {
            if (opcode < 0) {
                throw new IllegalArgumentException(notation);
            }
            return new Encoding(
                    vex, prefix, map, opcode, hasModRm, digit, modRm, form, w, length256, further,
                    immediate);
        }
    }
}
