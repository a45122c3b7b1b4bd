// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * A program header of an ELF file. All numbers are as the file says, unsigned.
 *
 * @param offset where its bytes begin in the file
 * @param virtualAddress where it is linked
 * @param address guest-physical address where it belongs
 * @param fileSize how many bytes come from the file
 * @param memorySize how many bytes it has in memory; zeros behind those of the file
 */
record ElfSegment(
        int type,
        long offset,
        long virtualAddress,
        long address,
        long fileSize,
        long memorySize,
        long alignment) {

    /** Size of a program header in bytes. */
    static final int HEADER_SIZE = 56;

    /** Size of a program header of a 32-bit file in bytes. */
    static final int HEADER_SIZE_32 = 32;

    static final int LOAD = 1;
    static final int DYNAMIC = 2;
    static final int INTERPRETER = 3;
    static final int NOTE = 4;

    static ElfSegment read32(Bytes table, int at) {
        return new ElfSegment(
                (int) table.u32(at),
                table.u32(at + 4),
                table.u32(at + 8),
                table.u32(at + 12),
                table.u32(at + 16),
                table.u32(at + 20),
                table.u32(at + 28));
    }

    static ElfSegment read(Bytes table, int at) {
        return new ElfSegment(
                (int) table.u32(at),
                table.i64(at + 8),
                table.i64(at + 16),
                table.i64(at + 24),
                table.i64(at + 32),
                table.i64(at + 40),
                table.i64(at + 48));
    }

    /** First address after it; valid once the segment is known to be within bounds. */
    long end() {
        return address + memorySize;
    }
}
