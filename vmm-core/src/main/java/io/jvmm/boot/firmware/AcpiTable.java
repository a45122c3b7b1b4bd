// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

/** The frame that all ACPI tables but RSDP and FACS have: a header with length and checksum. */
final class AcpiTable {

    /** Size of the header in bytes; a table's own fields come after it. */
    static final int HEADER_SIZE = 36;

    /** Who made the tables, as text of six characters. */
    static final String OEM = "JVMM";

    private static final int LENGTH = 4;
    private static final int CHECKSUM = 9;
    private static final int TABLE_REVISION = 1;

    private AcpiTable() {}

    /** Begins a table; {@link #finish} ends it. */
    static TableWriter begin(String signature, int revision) {
        return new TableWriter()
                .text(signature, 4)
                .u32(0) // length
                .u8(revision)
                .u8(0) // checksum
                .text(OEM, 6)
                .text(OEM, 8)
                .u32(TABLE_REVISION)
                .text(OEM, 4)
                .u32(TABLE_REVISION);
    }

    /** Fills in length and checksum. */
    static byte[] finish(TableWriter writer) {
        byte[] table = writer.toBytes();
        for (int i = 0; i < 4; i++) {
            table[LENGTH + i] = (byte) (table.length >>> (8 * i));
        }
        TableWriter.checksum(table, 0, table.length, CHECKSUM);
        return table;
    }
}
