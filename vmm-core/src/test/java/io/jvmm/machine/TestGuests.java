// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.guest.Payload;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** Guests of a few instructions, in long mode, for what no payload does. */
final class TestGuests {

    private static final int HEADERS = 64 + 56;
    private static final long IMAGE = 1 << 20;

    /** mov dx, 0x604; mov ax, 0x3400; out dx, ax; jmp . */
    private static final String POWER_OFF = "66ba0406 66b80034 66ef ebfe";

    /** Sends back what it receives on COM1; powers off after a 'q'. */
    static final byte[] ECHO =
            elf(
                    "66bafd03" // mov dx, 0x3fd
                            + "ec" // in al, dx
                            + "a801 74f7" // test al, 1; jz to the start
                            + "66baf803" // mov dx, 0x3f8
                            + "ec ee" // in al, dx; out dx, al
                            + "3c71 75ed" // cmp al, 'q'; jne to the start
                            + POWER_OFF);

    /** Waits for the power button, then powers off. */
    static final byte[] POWER_BUTTON =
            elf(
                    "66ba0006" // mov dx, 0x600
                            + "66ed" // in ax, dx
                            + "f6c401 74f5" // test ah, 1; jz to the start
                            + POWER_OFF);

    /** Has the power button interrupt it, then powers off. */
    static final byte[] POWER_BUTTON_INTERRUPT =
            elf("66ba0206 66b80001 66ef" + POWER_OFF); // mov dx, 0x602; mov ax, 0x100; out dx, ax

    /** Sends 'x' on COM1 for ever. */
    static final byte[] FLOOD = elf("66baf803 b078 ee ebfd"); // mov dx; mov al, 'x'; out; jmp

    /** Sends 0, 1, 2 and so on, modulo 256, on COM1 for ever. */
    static final byte[] COUNT =
            elf("66baf803 30c0 ee fec0 ebfb"); // mov dx; xor al, al; out; inc al; jmp to out

    /** What {@link #COUNT_TO_ITS_END} sends. */
    static final int COUNTED = 90_000;

    /** Sends {@link #COUNTED} bytes as {@link #COUNT} does, then powers off. */
    static final byte[] COUNT_TO_ITS_END =
            elf(
                    "b9905f0100 66baf803 30c0" // mov ecx, 90000; mov dx, 0x3f8; xor al, al
                            + "ee fec0 ffc9 75f9" // out dx, al; inc al; dec ecx; jnz to out
                            + POWER_OFF);

    /** Goes on in device memory, where no instruction can be fetched from. */
    static final byte[] NOWHERE = elf("b8000000e0 ffe0"); // mov eax, 0xe0000000; jmp rax

    /** Uses instructions that interpreters of ring 0 lack, then powers off. */
    static final byte[] RARE_INSTRUCTIONS =
            elf(
                    "9b" // fwait
                            + "b8ff0f0000 f30fb8d8" // mov eax, 0xfff; popcnt ebx, eax
                            + "83fb0c 7402 0f0b" // cmp ebx, 12; je over; ud2
                            + POWER_OFF);

    /**
     * Has an instruction that interpreters of ring 0 lack read the word at 32 MiB, sends the number
     * of its bits, has another one exchange 16 bytes at 33 MiB, and powers off.
     */
    static final byte[] RARE_ACCESSES =
            elf(
                    "be00000002" // mov esi, 0x2000000
                            + "f3480fb806" // popcnt rax, [rsi]
                            + "66baf803 ee" // mov dx, 0x3f8; out dx, al
                            + "bf00001002" // mov edi, 0x2100000
                            + "488b07 488b5708" // mov rax, [rdi]; mov rdx, [rdi + 8]
                            + "bb01000000 b902000000" // mov ebx, 1; mov ecx, 2
                            + "f0480fc70f" // lock cmpxchg16b [rdi]
                            + "7402 0f0b" // je over; ud2
                            + POWER_OFF);

    /** Has its interrupt table at 32 MiB, leaves the guest once, and powers off. */
    static final byte[] TABLE_AT_32_MIB =
            elf(
                    "bb00001800" // mov ebx, 0x180000
                            + "66c703ff0f" // mov word [rbx], 0xfff
                            + "b800000002 48894302" // mov eax, 0x2000000; mov [rbx + 2], rax
                            + "0f011b" // lidt [rbx]
                            + "e680" // out 0x80, al
                            + POWER_OFF);

    /** Sends the sum of the first words of the 512 pages from 4 GiB on, then powers off. */
    static final byte[] SUM_ABOVE_4_GIB =
            elf(
                    "0f20d8" // mov rax, cr3
                            + "488b00" // mov rax, [rax]
                            + "482500f0ffff" // and rax, -4096
                            + "b900002000" // mov ecx, 0x200000: a page for another directory
                            + "488d5103 48895020" // lea rdx, [rcx + 3]; mov [rax + 32], rdx
                            + "48ba 8300000001000000" // mov rdx, 0x100000083
                            + "488911" // mov [rcx], rdx
                            + "48be 0000000001000000" // mov rsi, 0x100000000
                            + "bb00020000" // mov ebx, 512
                            + "31c0" // xor eax, eax
                            + "480306" // next: add rax, [rsi]
                            + "4881c600100000" // add rsi, 4096
                            + "ffcb 75f2" // dec ebx; jnz next
                            + "b908000000 baf8030000" // mov ecx, 8; mov edx, 0x3f8
                            + "ee 48c1e808" // again: out dx, al; shr rax, 8
                            + "ffc9 75f7" // dec ecx; jnz again
                            + POWER_OFF);

    private TestGuests() {}

    /** A configuration of the smallest machine, to be changed. */
    static MachineConfig.Builder machine(Payload payload) {
        return machine(payload.id(), payload.bytes());
    }

    /** As {@link #machine(Payload)}. */
    static MachineConfig.Builder machine(String name, byte[] kernel) {
        return MachineConfig.builder().name(name).kernel(name, kernel).memoryBytes(16 << 20);
    }

    private static byte[] elf(String code) {
        byte[] instructions = HexFormat.of().parseHex(code.replace(" ", ""));
        byte[] image = new byte[HEADERS + instructions.length];
        ByteBuffer file = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        file.putShort((short) 2).putShort((short) 62).putInt(1); // ET_EXEC, x86-64
        file.putLong(IMAGE + HEADERS).putLong(64).putLong(0).putInt(0); // entry, program headers
        file.putShort((short) 64).putShort((short) 56).putShort((short) 1);
        file.position(64);
        file.putInt(1).putInt(7).putLong(0); // PT_LOAD, all rights, from the file's start
        file.putLong(IMAGE).putLong(IMAGE).putLong(image.length).putLong(4096).putLong(4096);
        file.put(instructions);
        return image;
    }
}
