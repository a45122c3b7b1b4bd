# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 3: checks every word of every page from 32 MiB to the end of memory again and
# again, for the pattern that PayloadPages tells. Says 'R' on COM1 before it touches the first of
# them, '.' after each pass, and 'X' when a word is wrong, and then it panics.
#
# The command line tells the order and where memory ends, in MiB, at most 2048: "sequential 64" or
# "random 1056".
# Used by: tests of guests whose memory comes from another process.

.include "long-mode.inc"
.include "ring3.inc"

.equ BOOT_COMMAND_LINE, 0x228   # in the zero page: its address, 32 bits
.equ RANGE,     0x2000000
.equ PATTERN,   0x5a5a5a5a5a5a5a5a
.equ WORDS,     PAGE / 8

.bss
.balign PAGE
pd_second:  .skip PAGE          # 1 .. 2 GiB
.text

.globl entry
entry:
    mov     esi, [rsi + BOOT_COMMAND_LINE]
    mov     r13b, [rsi]         # the order, by its first letter
1:  lodsb
    cmp     al, ' '
    jne     1b
    xor     r12d, r12d
2:  lodsb
    sub     al, '0'
    cmp     al, 9
    ja      3f
    movzx   eax, al
    imul    r12d, r12d, 10
    add     r12d, eax
    jmp     2b
3:  shl     r12, 20             # where memory ends
    lea     rax, [rip + pd_second + PTE_TABLE]
    mov     [rip + pdpt + 8], rax
    mov     edi, RANGE
4:  lea     rdx, [rip + pd_low]
    bt      rdi, 30
    jnc     5f
    lea     rdx, [rip + pd_second]
5:  mov     rcx, rdi
    shr     rcx, 21
    and     ecx, 511
    lea     rax, [rdi + (PTE_TABLE | PTE_LARGE)]
    mov     [rdx + rcx * 8], rax
    add     rdi, 2 << 20
    cmp     rdi, r12
    jb      4b
    enter_ring3 check

check:
    mov     r10, PATTERN
    lea     r8, [r12 - RANGE]
    shr     r8, 12              # pages
    lea     rcx, [r8 - 1]
    bsr     rcx, rcx            # for random order: numbers below 2 << rcx are drawn
    mov     r9d, 2
    shl     r9, cl
    dec     r9
    lea     r15d, [rcx + 1]
    shr     r15d, 1             # half of the bits
    mov     edx, COM1
    mov     al, 'R'
    out     dx, al

pass:
    xor     r11d, r11d          # pages seen
    xor     ebx, ebx            # the generator's state
next:
    mov     rsi, r11
    cmp     r13b, 'r'
    jne     2f
# A congruential generator visits every number below a power of two once (its multiplier is
# 1 modulo 4, its increment odd); folding the upper half down hides its regular lower bits.
1:  imul    rbx, rbx, 1664525
    add     rbx, 1013904223
    and     rbx, r9
    mov     rsi, rbx
    mov     rax, rbx
    mov     ecx, r15d
    shr     rax, cl
    xor     rsi, rax
    cmp     rsi, r8
    jae     1b
2:  shl     rsi, 12
    lea     rdi, [rsi + RANGE]
    mov     ecx, WORDS
3:  mov     rax, rdi
    xor     rax, r10
    cmp     [rdi], rax
    jne     wrong
    add     rdi, 8
    dec     ecx
    jnz     3b
    inc     r11
    cmp     r11, r8
    jb      next
    mov     al, '.'
    out     dx, al
    jmp     pass

wrong:
    mov     al, 'X'
    out     dx, al
    mov     dx, PVPANIC
    mov     al, 1
    out     dx, al
4:  pause
    jmp     4b
