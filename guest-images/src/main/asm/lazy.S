# SPDX-License-Identifier: Apache-2.0
# Long mode: checks the pages from 32 MiB to 34 MiB again and again, for the pattern that
# PayloadPages tells. Says 'R' on COM1 before it touches the first of them, '.' after each pass,
# and 'X' when a word is wrong, and then it panics. In ring 3, or in ring 0 if the command line
# begins with "ring0".
# Used by: tests of guests that wait for pages which do not come.

.include "long-mode.inc"
.include "ring3.inc"

.equ BOOT_COMMAND_LINE, 0x228   # in the zero page: its address, 32 bits
.equ RANGE,     0x2000000
.equ RANGE_END, 0x2200000
.equ PATTERN,   0x5a5a5a5a5a5a5a5a

.globl entry
entry:
    mov     r14d, [rsi + BOOT_COMMAND_LINE]
    mov     r14b, [r14 + 4]     # what follows "ring"
    mov     eax, RANGE | PTE_TABLE | PTE_LARGE
    mov     [rip + pd_low + 8 * (RANGE >> 21)], rax
    cmp     r14b, '0'
    je      1f
    enter_ring3 check
1:  load_page_tables

check:
    mov     r10, PATTERN
    mov     edx, COM1
    mov     al, 'R'
    out     dx, al
2:  mov     edi, RANGE
3:  mov     rax, rdi
    xor     rax, r10
    cmp     [rdi], rax
    jne     wrong
    lea     rsi, [rdi + PAGE - 8]
    mov     rax, rsi
    xor     rax, r10
    cmp     [rsi], rax
    jne     wrong
    add     rdi, PAGE
    cmp     rdi, RANGE_END
    jb      3b
    mov     al, '.'
    out     dx, al
    jmp     2b

wrong:
    mov     al, 'X'
    out     dx, al
    mov     dx, PVPANIC
    mov     al, 1
    out     dx, al
4:  pause
    jmp     4b
