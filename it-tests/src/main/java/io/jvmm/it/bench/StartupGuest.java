// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * A guest that does nothing but power off, for the time that a monitor takes around it. The code is
 * the same in 32-bit and in 64-bit mode, so that one file serves monitors that enter it through its
 * PVH note, as QEMU does, and those that enter it at its address.
 */
final class StartupGuest {

    private static final String CODE =
            """
            66ba0406                mov dx, 0x604
            66b80034                mov ax, 0x3400
            66ef                    out dx, ax
            ebfe            end:    jmp end
            """;

    private static final long ADDRESS = 0x10_0000;
    private static final int HEADER = 64;
    private static final int ENTRY = 56;
    private static final int NOTE = 20;
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int READ_EXECUTE = 5;

    /** {@code XEN_ELFNOTE_PHYS32_ENTRY}. */
    private static final int PHYS32_ENTRY = 18;

    private StartupGuest() {}

    /** An ELF64 executable: the code, and the note with its address. */
    static byte[] elf() {
        StringBuilder hex = new StringBuilder();
        CODE.lines().forEach(line -> hex.append(line, 0, line.indexOf(' ')));
        byte[] code = HexFormat.of().parseHex(hex);
        int note = HEADER + 2 * ENTRY;
        ByteBuffer file =
                ByteBuffer.allocate(note + NOTE + code.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put(HexFormat.of().parseHex("7f454c46020101")).position(16);
        file.putShort((short) 2).putShort((short) 62).putInt(1); // executable, x86-64
        file.putLong(ADDRESS).putLong(HEADER).putLong(0).putInt(0);
        file.putShort((short) HEADER).putShort((short) ENTRY).putShort((short) 2);
        segment(file.position(HEADER), PT_LOAD, note + NOTE, ADDRESS, code.length);
        segment(file, PT_NOTE, note, 0, NOTE);
        file.putInt(4).putInt(4).putInt(PHYS32_ENTRY);
        file.put("Xen\0".getBytes(StandardCharsets.US_ASCII)).putInt((int) ADDRESS);
        return file.put(code).array();
    }

    private static void segment(ByteBuffer file, int type, long offset, long address, long size) {
        file.putInt(type).putInt(READ_EXECUTE).putLong(offset).putLong(address).putLong(address);
        file.putLong(size).putLong(size).putLong(type == PT_LOAD ? 1 : 4);
    }
}
