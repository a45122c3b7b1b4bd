// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * The beginning of an ELF file: what it is, and where its program headers are.
 *
 * @param wide whether it is a 64-bit file
 */
record ElfHeader(
        boolean wide, int type, long entry, long tableOffset, int tableEntrySize, int count) {

    static final String MAGIC = "\u007fELF";

    /** Size in bytes of the 64-bit header. */
    static final int SIZE = 64;

    /** Size in bytes of the 32-bit header. */
    private static final int SIZE_32 = 52;

    static final int TYPE_EXECUTABLE = 2;
    static final int TYPE_DYNAMIC = 3;

    private static final int CLASS_32 = 1;
    private static final int CLASS_64 = 2;
    private static final int LITTLE_ENDIAN = 1;
    private static final int MACHINE_386 = 3;
    private static final int MACHINE_X86_64 = 62;

    /** Reads the header of a little-endian file. */
    static ElfHeader read(Bytes bytes) {
        boolean wide = bytes.u8(4) == CLASS_64;
        return wide
                ? new ElfHeader(
                        true,
                        bytes.u16(16),
                        bytes.i64(24),
                        bytes.i64(32),
                        bytes.u16(54),
                        bytes.u16(56))
                : new ElfHeader(
                        false,
                        bytes.u16(16),
                        bytes.u32(24),
                        bytes.u32(28),
                        bytes.u16(42),
                        bytes.u16(44));
    }

    /** Size in bytes of a program header. */
    int tableEntrySizeExpected() {
        return wide ? ElfSegment.HEADER_SIZE : ElfSegment.HEADER_SIZE_32;
    }

    /** Whether a file with this beginning is ELF for x86, of 64 or 32 bits. */
    static boolean isForThisMachine(Bytes bytes) {
        return isX8664(bytes) || isFor(bytes, SIZE_32, CLASS_32, MACHINE_386);
    }

    /** Whether a file with this beginning is ELF for x86-64. */
    static boolean isX8664(Bytes bytes) {
        return isFor(bytes, SIZE, CLASS_64, MACHINE_X86_64);
    }

    private static boolean isFor(Bytes bytes, int size, int width, int machine) {
        return bytes.size() >= size
                && bytes.has(0, MAGIC)
                && bytes.u8(4) == width
                && bytes.u8(5) == LITTLE_ENDIAN
                && bytes.u16(18) == machine;
    }

    /** A noun phrase for the ELF file with this beginning, whatever machine it is for. */
    static String describe(Bytes bytes) {
        if (bytes.size() < 20) {
            return "a truncated ELF file";
        }
        boolean little = bytes.u8(5) == LITTLE_ENDIAN;
        int type = little ? bytes.u16(16) : bytes.u16BigEndian(16);
        int machine = little ? bytes.u16(18) : bytes.u16BigEndian(18);
        String kind =
                switch (type) {
                    case 1 -> "an ELF object file or kernel module";
                    case TYPE_EXECUTABLE -> "an ELF executable";
                    case TYPE_DYNAMIC -> "an ELF shared object or position-independent program";
                    case 4 -> "an ELF core dump";
                    default -> "an ELF file";
                };
        return kind + " for " + machineName(machine, bytes.u8(4) == CLASS_64);
    }

    private static String machineName(int machine, boolean wide) {
        return switch (machine) {
            case 3, 6 -> "32-bit x86";
            case 8 -> "MIPS";
            case 20 -> "32-bit PowerPC";
            case 21 -> "64-bit PowerPC";
            case 22 -> "IBM S/390";
            case 40 -> "32-bit ARM";
            case MACHINE_X86_64 -> wide ? "x86-64" : "x86-64 in 32-bit form (x32)";
            case 183 -> "64-bit ARM (aarch64)";
            case 243 -> "RISC-V";
            case 258 -> "LoongArch";
            default -> "machine number " + machine;
        };
    }
}
