// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.stream.Collectors;

/**
 * Tiny guests that do nothing but use their serial port, for tests of the ways between it and the
 * command's standard streams. The code is short enough to be read here.
 */
enum SerialGuest {

    /** Says 'R' once it is ready, then sends back whatever it receives; 'q' powers off. */
    ECHO(
            """
            66baf803                mov dx, 0x3f8
            b052                    mov al, 'R'
            ee                      out dx, al
            66bafd03        next:   mov dx, 0x3fd
            ec                      in al, dx
            a801                    test al, 1
            74f7                    jz next
            66baf803                mov dx, 0x3f8
            ec                      in al, dx
            ee                      out dx, al
            3c71                    cmp al, 'q'
            75ed                    jne next
            66ba0406                mov dx, 0x604
            66b80034                mov ax, 0x3400
            66ef                    out dx, ax
            ebfe            end:    jmp end
            """),

    /** Sends 'x' for ever. */
    FLOOD(
            """
            66baf803                mov dx, 0x3f8
            b078                    mov al, 'x'
            ee              next:   out dx, al
            ebfd                    jmp next
            """),

    /** Sends 'x' {@link #FLOODED} times, less than a pipe and the monitor hold; then powers off. */
    FLOOD_TO_ITS_END(
            """
            b9c0d40100              mov ecx, 120000
            66baf803                mov dx, 0x3f8
            b078                    mov al, 'x'
            ee              next:   out dx, al
            ffc9                    dec ecx
            75fb                    jnz next
            66ba0406                mov dx, 0x604
            66b80034                mov ax, 0x3400
            66ef                    out dx, ax
            ebfe            end:    jmp end
            """),

    /** Goes where there is neither memory nor a device, which no processor can be told to do. */
    STRAY(
            """
            b8000000d0              mov eax, 0xd0000000
            ffe0                    jmp rax
            """);

    static final int FLOODED = 120_000;

    private static final long ADDRESS = 0x10_0000;
    private static final int HEADERS = 64 + 56;

    private final String hex;

    SerialGuest(String listing) {
        this.hex =
                listing.lines()
                        .map(line -> line.substring(0, line.indexOf(' ')))
                        .collect(Collectors.joining());
    }

    /** An ELF64 executable with the code as its one segment at 1 MiB. */
    byte[] elf() {
        byte[] code = HexFormat.of().parseHex(hex);
        ByteBuffer file = ByteBuffer.allocate(HEADERS + code.length).order(ByteOrder.LITTLE_ENDIAN);
        file.put(HexFormat.of().parseHex("7f454c46020101")).position(16);
        file.putShort((short) 2).putShort((short) 62).putInt(1); // executable, x86-64
        file.putLong(ADDRESS).putLong(64).putLong(0).putInt(0);
        file.putShort((short) 64).putShort((short) 56).putShort((short) 1).position(64);
        file.putInt(1).putInt(5).putLong(HEADERS); // loaded, readable and executable
        file.putLong(ADDRESS).putLong(ADDRESS);
        file.putLong(code.length).putLong(code.length).putLong(4096);
        return file.put(code).array();
    }
}
