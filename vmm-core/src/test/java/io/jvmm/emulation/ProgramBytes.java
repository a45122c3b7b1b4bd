// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import java.util.HexFormat;

/**
 * The ring-3 program of {@link NativeCpu}. For each case: loads extended and general registers and
 * flags, jumps to the case's instruction, which jumps back behind it, and stores them all.
 *
 * <pre>
 * loop:   mov rbx, [CUR]                 # the case
 *         lea rcx, [rbx + CODE]
 *         mov [JUMP], rcx
 *         mov eax, 7
 *         xor edx, edx
 *         xrstor64 [rbx + EXTENDED]
 *         mov rsp, STACK
 *         push qword ptr [rbx + FLAGS]
 *         popfq
 *         mov rax, [rbx + 0x00]          # and so on for all but rbx, in the order of instructions
 *         mov rbx, [rbx + 0x18]
 *         jmp qword ptr [JUMP]
 * after:  mov [SAVE], rbx
 *         mov rbx, [CUR]
 *         mov [rbx + RESULT + 0x00], rax # and so on for all but rbx
 *         mov rsp, STACK
 *         pushfq
 *         pop qword ptr [rbx + RESULT_FLAGS]
 *         mov rax, [SAVE]
 *         mov [rbx + RESULT + 0x18], rax
 *         mov eax, 7
 *         xor edx, edx
 *         xsave64 [rbx + RESULT_EXTENDED]
 *         add rbx, SIZE
 *         mov [CUR], rbx
 *         cmp rbx, [END]
 *         jb loop
 *         out 0x40, al
 *         jmp loop
 * </pre>
 */
final class ProgramBytes {

    /** Where {@code after} is. */
    static final int AFTER = 0x7A;

    private static final String TEXT =
            """
            488b1c2500100000488d8b0001000048890c2510100000b80700000031d2480f
            aeab0002000048c7c400800000ffb3800000009d488b03488b4b08488b531048
            8b6320488b6b28488b7330488b7b384c8b43404c8b4b484c8b53504c8b5b584c
            8b63604c8b6b684c8b73704c8b7b78488b5b18ff24251010000048891c251810
            0000488b1c25001000004889834001000048898b480100004889935001000048
            89a3600100004889ab680100004889b3700100004889bb780100004c89838001
            00004c898b880100004c8993900100004c899b980100004c89a3a00100004c89
            aba80100004c89b3b00100004c89bbb801000048c7c4008000009c8f83c00100
            00488b04251810000048898358010000b80700000031d2480faea38005000048
            81c30010000048891c2500100000483b1c25081000000f82c4feffffe640e9bd
            feffff
            """;

    private ProgramBytes() {}

    static byte[] program() {
        return HexFormat.of().parseHex(TEXT.replaceAll("\\s", ""));
    }
}
